#include "solvers/exact/rational_chain.hpp"

#include <algorithm>

#include "libmdp/builder.hpp"
#include "libmdp/graph/components.hpp"
#include "solvers/sparse_lu.hpp"

namespace mdp::solvers {
graph::Components components_of(const std::vector<RationalRow>& rows) {
  MdpBuilder builder(static_cast<std::int64_t>(rows.size()));
  for (std::size_t s = 0; s < rows.size(); ++s) {
    builder.row(static_cast<std::int64_t>(s), 0.0);
    if (rows[s].empty()) builder.to(static_cast<std::int64_t>(s), 1.0);
    for (const auto& [next, p] : rows[s]) builder.to(next, 1.0 / static_cast<double>(rows[s].size()));
  }
  return graph::strongly_connected_components(builder.build());
}

mpq_class probability_of(const RationalRow& row, std::int64_t next) {
  const auto found =
      std::lower_bound(row.begin(), row.end(), next, [](const auto& entry, std::int64_t s) { return entry.first < s; });
  return found != row.end() && found->first == next ? found->second : mpq_class(0);
}

mpq_class expectation(const mpq_class& sum, const RationalRow& row, std::span<const mpq_class> value) {
  mpz_class denominator = sum.get_den(), numerator = sum.get_num(), own, factor;
  for (const auto& [next, p] : row) {
    const mpq_class& v = value[at(next)];
    own = p.get_den() * v.get_den();
    if (mpz_divisible_p(denominator.get_mpz_t(), own.get_mpz_t()) == 0) {
      mpz_lcm(factor.get_mpz_t(), denominator.get_mpz_t(), own.get_mpz_t());
      denominator.swap(factor);
      mpz_divexact(factor.get_mpz_t(), denominator.get_mpz_t(), factor.get_mpz_t());
      numerator *= factor;
    }
    mpz_divexact(factor.get_mpz_t(), denominator.get_mpz_t(), own.get_mpz_t());
    factor *= p.get_num();
    mpz_addmul(numerator.get_mpz_t(), factor.get_mpz_t(), v.get_num_mpz_t());
  }
  mpq_class result(numerator, denominator);
  result.canonicalize();
  return result;
}

RationalChain::RationalChain(std::vector<RationalRow> rows) : rows_(std::move(rows)), place_(rows_.size()) {
  const graph::Components found = components_of(rows_);
  component_of_.assign(found.of_state.begin(), found.of_state.end());
  components_.resize(at(found.count));
  for (std::size_t s = 0; s < rows_.size(); ++s) {
    auto& states = components_[at(component_of_[s])].states;
    place_[s] = static_cast<std::int64_t>(states.size());
    states.push_back(static_cast<std::int64_t>(s));
  }
  for (Component& component : components_) {
    if (component.states.size() > 1) scale_rows(component);
  }
}

void RationalChain::scale_rows(Component& component) const {
  for (const std::int64_t s : component.states) {
    mpz_class scale = 1;
    for (const auto& [next, p] : rows_[at(s)]) {
      if (component_of_[at(next)] != component_of_[at(s)]) continue;
      mpz_lcm(scale.get_mpz_t(), scale.get_mpz_t(), p.get_den_mpz_t());
    }
    component.scale.push_back(std::move(scale));
  }
}

IntegerMatrix RationalChain::matrix_of(const Component& component) const {
  IntegerMatrix a;
  a.row_begin.push_back(0);
  const auto add = [&](std::int64_t state, mpz_class value) {
    a.column.push_back(static_cast<State>(place_[at(state)]));
    a.value.push_back(std::move(value));
  };
  for (std::size_t i = 0; i < component.states.size(); ++i) {
    const std::int64_t s = component.states[i];
    const mpz_class& scale = component.scale[i];
    mpz_class diagonal = scale;
    for (const auto& [next, p] : rows_[at(s)]) {
      if (component_of_[at(next)] != component_of_[at(s)]) continue;
      mpz_class entry = scale / p.get_den() * p.get_num();
      if (next == s)
        diagonal -= entry;
      else
        add(next, -entry);
    }
    add(s, std::move(diagonal));
    a.row_begin.push_back(static_cast<Offset>(a.column.size()));
  }
  return a;
}

ExactSize RationalChain::size() const {
  ExactSize size;
  for (const Component& component : components_) {
    if (component.states.size() < 2) continue;
    const IntegerMatrix a = matrix_of(component);
    const double digits = 2.0 * a.determinant_bits() / 59.0;
    const double entries = SparseLu::elimination_work(a.row_begin, a.column).entries;
    size.bytes = std::max(size.bytes, 3.0 * 8.0 * digits * static_cast<double>(a.n()) + 12.0 * entries);
    size.operations = std::max(size.operations, digits * (entries + 8.0 * static_cast<double>(a.value.size())));
  }
  return size;
}

// b + what the component's state gets from states outside, which are solved already.
mpq_class RationalChain::entering(std::int64_t state, std::int64_t component, std::span<const mpq_class> b,
                                  std::span<const mpq_class> x) const {
  RationalRow outside;
  for (const auto& entry : rows_[at(state)]) {
    if (component_of_[at(entry.first)] != component) outside.push_back(entry);
  }
  return expectation(b[at(state)], outside, x);
}

bool RationalChain::solve_component(Component& component, std::span<const mpq_class> b, std::span<mpq_class> x,
                                    const LiftedSystem::KeepGoing& keep_going) {
  const std::int64_t own = component_of_[at(component.states.front())];
  if (component.states.size() == 1) {
    const std::int64_t s = component.states.front();
    x[at(s)] = entering(s, own, b, x) / (1 - probability_of(rows_[at(s)], s));
    return true;
  }
  std::vector<mpq_class> right;
  mpz_class common = 1;
  for (std::size_t i = 0; i < component.states.size(); ++i) {
    right.push_back(component.scale[i] * entering(component.states[i], own, b, x));
    mpz_lcm(common.get_mpz_t(), common.get_mpz_t(), right.back().get_den_mpz_t());
  }
  std::vector<mpz_class> integers;
  integers.reserve(right.size());
  for (const mpq_class& r : right) integers.push_back(common / r.get_den() * r.get_num());
  if (!component.system) component.system.emplace(matrix_of(component));
  const auto found = component.system->solve(integers, keep_going);
  if (!found) return false;
  for (std::size_t i = 0; i < component.states.size(); ++i) {
    mpq_class& value = x[at(component.states[i])];
    value = mpq_class(found->numerator[i], found->denominator * common);
    value.canonicalize();
  }
  return true;
}

std::optional<std::vector<mpq_class>> RationalChain::solve(std::span<const mpq_class> b,
                                                           const LiftedSystem::KeepGoing& keep_going) {
  std::vector<mpq_class> x(rows_.size());
  for (Component& component : components_) {
    if (!solve_component(component, b, x, keep_going)) return std::nullopt;
  }
  return x;
}

}  // namespace mdp::solvers
