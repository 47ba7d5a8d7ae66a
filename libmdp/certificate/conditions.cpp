#include "libmdp/certificate/conditions.hpp"

#include <algorithm>

namespace mdp::certificate {
namespace {

bool discounts(const Certificate& c) { return c.criterion == "discounted" || c.criterion == "finite"; }
bool pays(const Certificate& c) { return c.criterion != "reach"; }

}  // namespace

Conditions::Conditions(const io::ExactModel& m, const Certificate& certificate)
    : model(m),
      c(certificate),
      discount(discounts(c) ? c.discount : mpq_class(1)),
      lower(c.evidence_lower.empty() ? c.lower.front() : c.evidence_lower.front()),
      upper(c.evidence_upper.empty() ? c.upper.front() : c.evidence_upper.front()),
      goal(at(m.n_states), 0),
      dead_(at(m.n_states), 0),
      banned_(m.rows.size(), 0) {
  for (const std::int64_t s : model.goal) goal[at(s)] = 1;
  for (std::int64_t s = 0; s < n_states(); ++s)
    dead_[at(s)] = pays(c) && !c.dead_rank.empty() && c.dead_rank[at(s)] >= 0;
  find_banned();
}

void Conditions::find_banned() {
  if (!pays(c)) return;
  for (std::size_t row = 0; row < banned_.size(); ++row) {
    const Row& r = model.rows[row];
    const bool leads_to_dead =
        discount != 0 && std::any_of(r.to.begin(), r.to.end(), [&](const auto& t) { return dead(t.first); });
    banned_[row] = r.inadmissible || leads_to_dead ? 1 : 0;
  }
}

void Conditions::require(bool holds, const char* condition, std::int64_t s, std::int64_t row) const {
  if (holds) return;
  std::string where;
  if (s >= 0) where = "state " + std::to_string(s);
  if (row >= 0) where += ", action " + std::to_string(row - model.state_rows[at(s)]);
  throw Violation{condition, where};
}

std::int64_t Conditions::row_of(std::int64_t s, Action action) const {
  const std::int64_t row = model.state_rows[at(s)] + action;
  require(action >= 0 && row < model.state_rows[at(s) + 1], "the policy takes an action of the state", s);
  return row;
}

void Conditions::each_row(std::int64_t s, const std::function<void(std::int64_t)>& f) const {
  for (std::int64_t row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) f(row);
}

void Conditions::each_open_row(std::int64_t s, const std::function<void(std::int64_t)>& f) const {
  each_row(s, [&](std::int64_t row) {
    if (!banned(row)) f(row);
  });
}

void Conditions::each_state(const std::function<void(std::int64_t)>& f) const {
  for (std::int64_t s = 0; s < n_states(); ++s) f(s);
}

bool Conditions::all_successors(std::int64_t row, const std::function<bool(std::int64_t)>& f) const {
  const Row& r = model.rows[at(row)];
  return std::all_of(r.to.begin(), r.to.end(), [&](const auto& t) { return f(t.first); });
}

bool Conditions::any_successor(std::int64_t row, const std::function<bool(std::int64_t)>& f) const {
  return !all_successors(row, [&](std::int64_t t) { return !f(t); });
}

mpq_class Conditions::mean(std::int64_t row, const Values& v) const {
  // One common denominator: the values of a certificate often share theirs.
  mpz_class denominator = 1, numerator = 0, common;
  for (const auto& [t, p] : model.rows[at(row)].to) {
    const mpq_class& x = v[at(t)].finite;
    const mpz_class own = p.get_den() * x.get_den();
    mpz_lcm(common.get_mpz_t(), denominator.get_mpz_t(), own.get_mpz_t());
    numerator *= common / denominator;
    numerator += common / own * p.get_num() * x.get_num();
    denominator = common;
  }
  mpq_class result(numerator, denominator);
  result.canonicalize();
  return result;
}

Extended Conditions::q(std::int64_t row, const Values& v) const {
  const Row& r = model.rows[at(row)];
  if (r.inadmissible) return Extended::infinity(1);
  if (discount == 0) return r.cost;
  if (any_successor(row, [&](std::int64_t t) { return v[at(t)].infinite > 0; })) return Extended::infinity(1);
  if (any_successor(row, [&](std::int64_t t) { return v[at(t)].infinite < 0; })) return Extended::infinity(-1);
  return mpq_class(r.cost + discount * mean(row, v));
}

std::int64_t Conditions::number(const Rank& rank, const char* name, std::int64_t s) const {
  require(!rank.empty() && rank[at(s)] >= 0, name, s);
  return rank[at(s)];
}

const Extended& Conditions::finite(const Values& v, const char* name, std::int64_t s) const {
  require(!v.empty() && v[at(s)].is_finite(), name, s);
  return v[at(s)];
}

bool Conditions::descends(std::int64_t row, const Rank& rank, const char* name, std::int64_t s,
                          const std::function<bool(std::int64_t)>& target) const {
  if (any_successor(row, target)) return true;
  const std::int64_t own = number(rank, name, s);
  return any_successor(row, [&](std::int64_t t) { return rank[at(t)] >= 0 && rank[at(t)] < own; });
}

bool Conditions::stays_level(std::int64_t row, const Rank& rank, const char* name, std::int64_t s) const {
  const std::int64_t own = number(rank, name, s);
  return all_successors(row, [&](std::int64_t t) { return rank[at(t)] == own; });
}

void Conditions::check_dead() {
  each_state([&](std::int64_t s) {
    if (!dead(s)) return;
    require(upper[at(s)].infinite > 0 && lower[at(s)].infinite > 0, "a dead state has the value +inf", s);
    each_row(s, [&](std::int64_t row) {
      const bool descending = discount != 0 && any_successor(row, [&](std::int64_t t) {
                                return dead(t) && c.dead_rank[at(t)] < c.dead_rank[at(s)];
                              });
      require(model.rows[at(row)].inadmissible || descending, "dead_rank", s, row);
    });
  });
}

void Conditions::check_lower_step() const {
  each_state([&](std::int64_t s) {
    if (dead(s) || l(s).infinite != 0) return;
    each_open_row(s, [&](std::int64_t row) { require(l(s) <= q(row, lower), "inductive lower bound", s, row); });
  });
}

std::int64_t Conditions::check_upper_step(std::int64_t s) const {
  const std::int64_t row = row_of(s, c.policy.front()[at(s)]);
  require(!banned(row), "the policy keeps to admissible rows", s, row);
  require(u(s) >= q(row, upper), "inductive upper bound", s, row);
  return row;
}

void Conditions::check_never_left() const {
  each_state([&](std::int64_t s) {
    if (dead(s) || l(s).infinite <= 0) return;
    const std::int64_t own = number(c.infinite_rank, "infinite_rank", s);
    const auto caught = [&](std::int64_t t, std::int64_t below) {
      return l(t).infinite > 0 && !dead(t) && c.infinite_rank[at(t)] >= 0 && c.infinite_rank[at(t)] < below;
    };
    each_open_row(s, [&](std::int64_t row) {
      require(any_successor(row, [&](std::int64_t t) { return caught(t, own); }) ||
                  all_successors(row, [&](std::int64_t t) { return caught(t, own + 1); }),
              "infinite_rank", s, row);
    });
  });
}

}  // namespace mdp::certificate
