// An MDP in memory, in rationals and back (the reader of text files is in json_reader.cpp).
#include "libmdp/io/exact_model.hpp"

#include "libmdp/builder.hpp"
#include "libmdp/io/rational.hpp"

namespace mdp::io {
namespace {

mpq_class sum_of(double hi, std::span<const double> tail, std::size_t i) {
  mpq_class x(hi);
  if (!tail.empty() && tail[i] != 0.0) x += mpq_class(tail[i]);
  return x;
}

mpq_class discount_of(const Discount& discount) {
  mpq_class dyadic(discount.value.hi);
  const mpq_class complement = mpq_class(discount.complement.hi) + mpq_class(discount.complement.lo);
  if (discount.value.lo == 0.0 && dyadic + complement == 1) return dyadic;
  return parse_rational(exact_text(discount)).value();
}

ExactModel::Row row_of(const Mdp& mdp, Offset row) {
  ExactModel::Row exact;
  exact.inadmissible = mdp.cost()[at(row)] == infinity;
  if (!exact.inadmissible) exact.cost = sum_of(mdp.cost()[at(row)], mdp.cost_tail(), at(row));
  mpq_class sum;
  for (Offset k = mdp.row_begin()[at(row)]; k < mdp.row_begin()[at(row) + 1]; ++k) {
    exact.to.emplace_back(mdp.next_state()[at(k)], sum_of(mdp.probability()[at(k)], mdp.probability_tail(), at(k)));
    sum += exact.to.back().second;
  }
  if (sum != 1) {
    for (auto& [next, p] : exact.to) p /= sum;
  }
  const Names& names = mdp.names();
  if (!names.row_action.empty() && names.row_action[at(row)] >= 0) {
    exact.action = names.actions[at(names.row_action[at(row)])];
  }
  return exact;
}

}  // namespace

ExactModel exact_model_of(const Mdp& mdp) {
  ExactModel model;
  model.n_states = mdp.n_states();
  model.objective = mdp.objective();
  model.discount = discount_of(mdp.exact_discount());
  model.state_rows.assign(mdp.state_rows().begin(), mdp.state_rows().end());
  model.rows.reserve(at(mdp.n_rows()));
  for (Offset row = 0; row < mdp.n_rows(); ++row) model.rows.push_back(row_of(mdp, row));
  model.names = mdp.names().states;
  model.goal.assign(mdp.goal().begin(), mdp.goal().end());
  mpq_class sum;
  for (State s = 0; s < mdp.n_states(); ++s) {
    if (mdp.initial()[at(s)] == 0.0) continue;
    model.initial.emplace_back(s, mpq_class(mdp.initial()[at(s)]));
    sum += model.initial.back().second;
  }
  for (auto& [s, p] : model.initial) p /= sum;
  return model;
}

Mdp nearest_mdp(const ExactModel& model) {
  const double sense = model.objective == Objective::minimize ? 1.0 : -1.0;
  MdpBuilder builder(model.n_states, model.objective);
  builder.discount(to_discount(model.discount)).state_names(model.names);
  for (const auto& [s, p] : model.initial) builder.initial(s, nearest_double(p));
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    for (Offset row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) {
      const ExactModel::Row& exact = model.rows[at(row)];
      const TwoDouble cost = to_two_double(exact.cost);
      builder.row(s, exact.inadmissible ? TwoDouble(sense * infinity) : (sense > 0.0 ? cost : -cost), exact.action);
      for (const auto& [next, p] : exact.to) builder.to(next, to_two_double(p));
    }
  }
  for (const std::int64_t s : model.goal) builder.goal(s);
  return builder.build();
}

}  // namespace mdp::io
