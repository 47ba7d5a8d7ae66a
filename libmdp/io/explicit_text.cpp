#include "libmdp/io/explicit_text.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/model_arrays.hpp"
#include "libmdp/io/number.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

[[noreturn]] void fail_number(const ExplicitText& m, std::string_view text, const char* what, const char* rule) {
  const std::less_equal<const char*> before;
  for (const auto& source : m.sources) {
    if (before(source.text.data(), text.data()) && before(text.data(), source.text.data() + source.text.size())) {
      throw InputError(source.file, line_of(source.text, text.data()), shown(text) + " is not " + what + ": " + rule);
    }
  }
  throw InputError(m.sources.front().file, "", shown(text) + " is not " + what + ": " + rule);
}

constexpr const char* number_rule = "required a decimal or a fraction of integers";
constexpr const char* probability_rule = "required a decimal or a fraction of integers, from 0 to 1";

/// +inf, -inf or 0: which infinity the text names.
double infinity_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view word = text.substr(negative ? 1 : 0);
  if (word != "inf" && word != "Inf" && word != "Infinity" && word != "infinity") return 0.0;
  return negative ? -infinity : infinity;
}

TwoDouble probability_of(const ExplicitText& m, std::string_view text) {
  const auto p = parse_number(text);
  if (!p || !(p->hi >= 0.0 && p->hi <= 1.0 + 1e-6)) fail_number(m, text, "a probability", probability_rule);
  return *p;
}

/// The rewards that a row earns: texts of the numbers, the branches by their probability.
class RowReward {
 public:
  explicit RowReward(const ExplicitText& m) : m_(m) {}

  /// The number, or an infinity.
  [[nodiscard]] TwoDouble two_double(State s, Offset row) const {
    const std::string_view of_state = text(m_.state_reward, s);
    const std::string_view of_row = text(m_.row_reward, row);
    if (const double infinite = infinite_part(s, row); infinite != 0.0) return infinite;
    if (m_.branch_reward.empty()) {
      const TwoDouble a = of_state.empty() ? TwoDouble() : number(of_state);
      const TwoDouble b = of_row.empty() ? TwoDouble() : number(of_row);
      if (a.hi == 0.0) return b;
      if (b.hi == 0.0) return a;
      if ((a.hi < 0.0) == (b.hi < 0.0)) return a + b;  // else digits cancel
    }
    return to_two_double(rational(s, row));
  }
  /// 0, +inf or -inf.
  [[nodiscard]] double infinite_part(State s, Offset row) const {
    double sum = infinity_of(text(m_.state_reward, s)) + infinity_of(text(m_.row_reward, row));
    if (!m_.branch_reward.empty()) {
      for (Offset k = m_.row_begin[at(row)]; k < m_.row_begin[at(row) + 1]; ++k)
        sum += infinity_of(m_.branch_reward[at(k)]);
    }
    if (std::isnan(sum)) fail_number(m_, text(m_.row_reward, row), "a reward here", "infinity minus infinity");
    return sum;
  }
  [[nodiscard]] mpq_class rational(State s, Offset row) const {
    mpq_class sum = exact(text(m_.state_reward, s)) + exact(text(m_.row_reward, row));
    if (m_.branch_reward.empty()) return sum;
    mpq_class earned, mass;
    for (Offset k = m_.row_begin[at(row)]; k < m_.row_begin[at(row) + 1]; ++k) {
      const mpq_class p = exact(m_.probability[at(k)]);
      mass += p;
      earned += p * exact(m_.branch_reward[at(k)]);
    }
    return sgn(mass) > 0 ? mpq_class(sum + earned / mass) : sum;
  }

 private:
  [[nodiscard]] static std::string_view text(const std::vector<std::string_view>& column, Offset i) {
    return column.empty() ? std::string_view() : column[at(i)];
  }
  [[nodiscard]] TwoDouble number(std::string_view text) const {
    if (const auto x = parse_number(text)) return *x;
    fail_number(m_, text, "a reward", number_rule);
  }
  [[nodiscard]] mpq_class exact(std::string_view text) const {
    if (text.empty()) return 0;
    if (auto x = parse_rational(text)) return *std::move(x);
    fail_number(m_, text, "a number", number_rule);
  }

  const ExplicitText& m_;
};

void append_tail(Buffer<double>& tail, std::size_t length_before, double value) {
  if (tail.empty() && value == 0.0) return;
  if (tail.empty()) tail.assign(length_before, 0.0);
  tail.push_back(value);
}

/// A state without actions earns nothing for ever: a reward there would be lost.
void check_dead_ends(const ExplicitText& m) {
  if (m.state_reward.empty()) return;
  for (std::int64_t s = 0; s < m.n_states; ++s) {
    const std::string_view text = m.state_reward[at(s)];
    if (m.state_rows[at(s)] < m.state_rows[at(s) + 1] || text.empty()) continue;
    const auto x = parse_number(text);
    if (!x || x->hi != 0.0) fail_number(m, text, "the reward of a state without actions", "required 0");
  }
}

/// The label that makes the goal states; nullptr if there is none of that name.
const std::vector<State>* goal_label(const ExplicitText& m, const ReadOptions& options) {
  const auto found = m.labels.find(options.goal.value_or("goal"));
  return found == m.labels.end() ? nullptr : &found->second;
}

MdpArrays arrays_of(const ExplicitText& m, const ReadOptions& options) {
  MdpArrays arrays;
  arrays.objective = options.objective.value_or(Objective::minimize);
  arrays.probability.reserve(m.probability.size());
  for (const std::string_view text : m.probability) {
    const TwoDouble p = probability_of(m, text);
    append_tail(arrays.probability_tail, arrays.probability.size(), p.lo);
    arrays.probability.push_back(p.hi);
  }
  const RowReward reward(m);
  arrays.cost.reserve(at(m.n_rows()));
  for (State s = 0; s < m.n_states; ++s) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      const TwoDouble c = reward.two_double(s, row);
      append_tail(arrays.cost_tail, arrays.cost.size(), c.lo);
      arrays.cost.push_back(c.hi);
    }
  }
  if (!m.initial.empty()) {
    arrays.initial.assign(at(m.n_states), 0.0);
    for (const State s : m.initial) arrays.initial[at(s)] = 1.0 / static_cast<double>(m.initial.size());
  }
  if (const auto* goal = goal_label(m, options)) arrays.goal = *goal;
  return arrays;
}

/// Rows with their exact probabilities, duplicates added up, divided by their sum.
ExactModel::Row exact_row(const ExplicitText& m, const RowReward& reward, State s, Offset row, bool minimise) {
  ExactModel::Row exact;
  exact.inadmissible = reward.infinite_part(s, row) != 0.0;
  if (!exact.inadmissible) exact.cost = minimise ? reward.rational(s, row) : mpq_class(-reward.rational(s, row));
  std::map<State, mpq_class> mass;
  mpq_class sum;
  for (Offset k = m.row_begin[at(row)]; k < m.row_begin[at(row) + 1]; ++k) {
    const mpq_class p = *parse_rational(m.probability[at(k)]);
    mass[m.next_state[at(k)]] += p;
    sum += p;
  }
  for (const auto& [next, p] : mass) {
    if (sgn(p) > 0) exact.to.emplace_back(next, p / sum);
  }
  if (!m.names.row_action.empty() && m.names.row_action[at(row)] >= 0) {
    exact.action = m.names.actions[at(m.names.row_action[at(row)])];
  }
  return exact;
}

}  // namespace

void ActionTable::add(std::string_view name, Names& names) {
  if (name.empty()) return names.row_action.push_back(-1);
  if (!names.row_action.empty() && names.row_action.back() >= 0 && names.actions[at(names.row_action.back())] == name) {
    return names.row_action.push_back(std::int32_t{names.row_action.back()});
  }
  auto known = ids_.find(name);
  if (known == ids_.end()) {
    known = ids_.emplace(name, static_cast<std::int32_t>(names.actions.size())).first;
    names.actions.emplace_back(name);
  }
  names.row_action.push_back(known->second);
}

Mdp mdp_of(ExplicitText&& m, const ReadOptions& options) {
  check_dead_ends(m);
  MdpArrays arrays = arrays_of(m, options);
  ReadOptions rest = options;
  if (goal_label(m, options) != nullptr) rest.goal.reset();
  arrays.state_rows = std::move(m.state_rows);
  arrays.row_begin = std::move(m.row_begin);
  arrays.next_state = std::move(m.next_state);
  arrays.names = std::move(m.names);
  if (arrays.names.actions.empty()) arrays.names.row_action.clear();
  m.probability = {};
  return build_arrays(std::move(arrays), m.sources.front().file, rest);
}

ExactModel exact_model_of(ExplicitText&& m, const ReadOptions& options) {
  ExplicitText copy = m;
  const Mdp mdp = mdp_of(std::move(copy), options);  // every rule is checked there
  ExactModel model;
  model.n_states = m.n_states;
  model.objective = mdp.objective();
  model.names = mdp.names().states;
  model.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  model.goal.assign(mdp.goal().begin(), mdp.goal().end());
  for (const State s : m.initial)
    model.initial.emplace_back(s, mpq_class(1, static_cast<unsigned long>(m.initial.size())));
  const RowReward reward(m);
  for (State s = 0; s < m.n_states; ++s) {
    for (Offset row = m.state_rows[at(s)]; row < m.state_rows[at(s) + 1]; ++row) {
      model.rows.push_back(exact_row(m, reward, s, row, model.objective == Objective::minimize));
    }
    if (m.state_rows[at(s)] == m.state_rows[at(s) + 1]) {
      ExactModel::Row loop;
      loop.to.emplace_back(s, 1);
      model.rows.push_back(std::move(loop));
    }
  }
  return model;
}

void require_states(const LineReader& in, std::int64_t n) {
  constexpr std::int64_t most = std::numeric_limits<State>::max() - 1;
  if (n < 1) in.fail("announces no states: required at least 1");
  if (n > most) in.fail("announces " + std::to_string(n) + " states, required at most " + std::to_string(most));
  if (n > static_cast<std::int64_t>(in.text().size())) {
    in.fail("announces " + std::to_string(n) + " states, more than a file of " + std::to_string(in.text().size()) +
            " bytes can list");
  }
}

}  // namespace mdp::io
