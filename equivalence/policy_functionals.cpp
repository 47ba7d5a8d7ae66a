#include "equivalence/policy_functionals.hpp"

#include <algorithm>
#include <map>

#include "solvers/exact/rational_chain.hpp"

namespace mdp::equivalence {
namespace {

std::vector<mpq_class> solve(solvers::RationalChain& chain, std::span<const mpq_class> b) {
  return *chain.solve(b, [] { return true; });
}

}  // namespace

mpq_class Functional::operator()(std::span<const mpq_class> values) const {
  mpq_class sum = -constant;
  for (const auto& [state, c] : coefficient) sum += c * values[at(state)];
  return sum;
}

mpq_class Functional::of(std::int64_t state) const {
  const auto place = std::lower_bound(coefficient.begin(), coefficient.end(), state,
                                      [](const auto& entry, std::int64_t s) { return entry.first < s; });
  return place != coefficient.end() && place->first == state ? place->second : mpq_class(0);
}

Functional row_functional(const io::ExactModel& model, std::int64_t state, std::int64_t row) {
  const auto& from = model.rows[at(row)];
  std::map<std::int64_t, mpq_class> sum{{state, 1}};
  for (const auto& [next, p] : from.to) sum[next] -= model.discount * p;
  Functional f;
  f.constant = from.cost;
  for (auto& [next, c] : sum) {
    if (c != 0) f.coefficient.emplace_back(next, std::move(c));
  }
  return f;
}

bool is_multiple(const Functional& x, const mpq_class& kappa, const Functional& y) {
  if (x.coefficient.size() != y.coefficient.size() || x.constant != kappa * y.constant) return false;
  for (std::size_t i = 0; i < x.coefficient.size(); ++i) {
    if (x.coefficient[i].first != y.coefficient[i].first) return false;
    if (x.coefficient[i].second != kappa * y.coefficient[i].second) return false;
  }
  return true;
}

HopelessPart hopeless_part(const io::ExactModel& model) {
  HopelessPart part{std::vector<char>(model.rows.size(), 0), std::vector<char>(at(model.n_states), 0)};
  for (std::size_t r = 0; r < model.rows.size(); ++r) part.rows[r] = model.rows[r].inadmissible ? 1 : 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::int64_t s = 0; s < model.n_states; ++s) {
      if (part.states[at(s)] != 0) continue;
      const auto begin = part.rows.begin() + model.state_rows[at(s)],
                 end = part.rows.begin() + model.state_rows[at(s) + 1];
      if (std::find(begin, end, 0) != end) continue;
      part.states[at(s)] = 1;
      changed = true;
    }
    for (std::size_t r = 0; changed && model.discount != 0 && r < model.rows.size(); ++r) {
      for (const auto& [next, p] : model.rows[r].to)
        part.rows[r] = part.rows[r] != 0 || part.states[at(next)] != 0 ? 1 : 0;
    }
  }
  return part;
}

std::vector<mpq_class> weighted_values(const io::ExactModel& model, std::span<const std::int64_t> weights) {
  std::vector<solvers::RationalRow> rows(at(model.n_states));
  std::vector<mpq_class> cost(at(model.n_states));
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    mpz_class sum = 0;
    for (auto r = model.state_rows[at(s)]; r < model.state_rows[at(s) + 1]; ++r) sum += mpz_class(weights[at(r)]);
    if (sum == 0) continue;
    std::map<std::int64_t, mpq_class> mixed;
    for (auto r = model.state_rows[at(s)]; r < model.state_rows[at(s) + 1]; ++r) {
      if (weights[at(r)] == 0) continue;
      mpq_class share(mpz_class(weights[at(r)]), sum);
      share.canonicalize();
      cost[at(s)] += share * model.rows[at(r)].cost;
      if (model.discount == 0) continue;
      for (const auto& [next, p] : model.rows[at(r)].to) mixed[next] += model.discount * share * p;
    }
    rows[at(s)].assign(mixed.begin(), mixed.end());
  }
  solvers::RationalChain chain(std::move(rows));
  return solve(chain, cost);
}

Elimination::Elimination(const io::ExactModel& model, std::span<const std::int64_t> chosen,
                         std::span<const std::int64_t> kept)
    : place_(at(model.n_states), -1) {
  const auto n = at(model.n_states);
  for (std::size_t j = 0; j < kept.size(); ++j) place_[at(kept[j])] = static_cast<std::int64_t>(j);
  std::vector<std::vector<mpq_class>> right(kept.size() + 1, std::vector<mpq_class>(n));
  std::vector<solvers::RationalRow> rows(n);
  for (std::size_t t = 0; t < n; ++t) {
    if (chosen[t] < 0) continue;
    const auto& row = model.rows[at(chosen[t])];
    right.back()[t] = row.cost;
    if (model.discount == 0) continue;
    for (const auto& [next, p] : row.to) {
      const auto j = place_[at(next)];
      if (j >= 0) {
        right[at(j)][t] = model.discount * p;
      } else {
        rows[t].emplace_back(next, model.discount * p);
      }
    }
  }
  solvers::RationalChain chain(std::move(rows));
  for (const auto& b : right) columns_.push_back(solve(chain, b));
}

std::vector<mpq_class> Elimination::reduce(const Functional& f) const {
  std::vector<mpq_class> reduced(columns_.size());
  reduced.back() = f.constant;
  for (const auto& [state, c] : f.coefficient) {
    if (const auto j = place_[at(state)]; j >= 0) {
      reduced[at(j)] += c;
      continue;
    }
    for (std::size_t j = 0; j + 1 < columns_.size(); ++j) {
      if (columns_[j][at(state)] != 0) reduced[j] += c * columns_[j][at(state)];
    }
    reduced.back() -= c * columns_.back()[at(state)];
  }
  return reduced;
}

}  // namespace mdp::equivalence
