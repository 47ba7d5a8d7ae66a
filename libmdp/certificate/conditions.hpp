// libmdp/certificate/conditions.hpp — what the conditions of all criteria are made of. Internal: needs GMP.
#pragma once

#include <functional>

#include "libmdp/certificate/check.hpp"

namespace mdp::certificate {

using Row = io::ExactModel::Row;

/// A model and a certificate, read side by side. A condition that does not hold is thrown as a Violation, caught by check().
class Conditions {
 public:
  Conditions(const io::ExactModel& model, const Certificate& c);

  const io::ExactModel& model;
  const Certificate& c;
  const mpq_class discount;  ///< 1 unless the criterion discounts
  const Values& lower;       ///< of the evidence: one stage
  const Values& upper;
  std::vector<char> goal;  ///< [n_states]

  [[nodiscard]] std::int64_t n_states() const { return model.n_states; }
  [[nodiscard]] static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  [[nodiscard]] const Extended& l(std::int64_t s) const { return lower[at(s)]; }
  [[nodiscard]] const Extended& u(std::int64_t s) const { return upper[at(s)]; }

  /// The row of an action of a state. \throws Violation if it has no such action.
  [[nodiscard]] std::int64_t row_of(std::int64_t s, Action action) const;
  /// Calls f(row number) for each row of the state, or each that is not banned.
  void each_row(std::int64_t s, const std::function<void(std::int64_t)>& f) const;
  void each_open_row(std::int64_t s, const std::function<void(std::int64_t)>& f) const;
  void each_state(const std::function<void(std::int64_t)>& f) const;

  /// c + discount P V in extended numbers: +inf if a successor is, else -inf if one is.
  [[nodiscard]] Extended q(std::int64_t row, const Values& v) const;
  /// P V of finite values.
  [[nodiscard]] mpq_class mean(std::int64_t row, const Values& v) const;

  /// A vector of evidence of which a condition needs the entry of a state. \throws Violation if it is missing.
  [[nodiscard]] std::int64_t number(const Rank& rank, const char* name, std::int64_t s) const;
  [[nodiscard]] const Extended& finite(const Values& v, const char* name, std::int64_t s) const;

  /// A successor in `target`, or one with a smaller rank.
  [[nodiscard]] bool descends(std::int64_t row, const Rank& rank, const char* name, std::int64_t s,
                              const std::function<bool(std::int64_t)>& target) const;
  /// All successors have the rank of s.
  [[nodiscard]] bool stays_level(std::int64_t row, const Rank& rank, const char* name, std::int64_t s) const;
  [[nodiscard]] bool all_successors(std::int64_t row, const std::function<bool(std::int64_t)>& f) const;
  [[nodiscard]] bool any_successor(std::int64_t row, const std::function<bool(std::int64_t)>& f) const;

  /// dead: every policy may meet an inadmissible row. banned: inadmissible, or may lead to a dead state.
  [[nodiscard]] bool dead(std::int64_t s) const { return dead_[at(s)] != 0; }
  [[nodiscard]] bool banned(std::int64_t row) const { return banned_[at(row)] != 0; }

  void require(bool holds, const char* condition, std::int64_t s = -1, std::int64_t row = -1) const;

  /// Every dead state: each row is inadmissible or has a dead successor of smaller rank, so that within as many steps as
  /// the rank says an inadmissible row is met with positive probability, whatever is done. Its value is +inf.
  void check_dead();
  /// l(s) <= c + discount P l on every open row of the states with l < inf that are not dead.
  void check_lower_step() const;
  /// The row of the policy, not banned, with u(s) >= c + discount P u. \throws Violation
  [[nodiscard]] std::int64_t check_upper_step(std::int64_t s) const;
  /// States of l = +inf that are not dead: each open row has a successor of l = +inf and smaller rank, or all its successors are such
  /// of rank at most that of s. Then, whatever is done, with positive probability the states of l = +inf are never left: by
  /// induction on the rank, either some row of the first kind is taken with positive probability, or none ever is.
  void check_never_left() const;

 private:
  void find_banned();

  std::vector<char> dead_, banned_;
};

void check_discounted(Conditions& k);
void check_finite(Conditions& k);
void check_reach(Conditions& k);
void check_goal(Conditions& k);
void check_total(Conditions& k);
void check_average(Conditions& k);

}  // namespace mdp::certificate
