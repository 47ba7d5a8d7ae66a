#include "solvers/exact/exact_gain.hpp"

#include <algorithm>

namespace mdp::solvers {
namespace {

// [n] 1 = the lowest state of a recurrent class.
std::vector<char> roots_of(const std::vector<RationalRow>& rows) {
  const graph::Components components = components_of(rows);
  std::vector<char> left(at(components.count), 0);
  for (std::size_t s = 0; s < rows.size(); ++s) {
    for (const auto& [next, p] : rows[s]) {
      if (components.of_state[at(next)] != components.of_state[s]) left[at(components.of_state[s])] = 1;
    }
  }
  std::vector<char> root(rows.size(), 0);
  for (std::size_t s = 0; s < rows.size(); ++s) {
    char& taken = left[at(components.of_state[s])];
    if (taken != 0) continue;
    root[s] = 1;
    taken = 1;
  }
  return root;
}

bool all_equal(std::span<const mpq_class> x, std::span<const char> where) {
  const mpq_class* first = nullptr;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (where[i] == 0) continue;
    if (first != nullptr && x[i] != *first) return false;
    first = &x[i];
  }
  return true;
}

// Systems of one chain with the entries into the roots taken out.
class HittingSystem {
 public:
  HittingSystem(const std::vector<RationalRow>& rows, const ExactRun& run)
      : rows_(rows), run_(run), root_(roots_of(rows)), chain_(without_roots()) {}

  [[nodiscard]] ExactSize size() const { return chain_.size(); }
  [[nodiscard]] bool solve(std::span<const mpq_class> b, std::vector<mpq_class>& x) {
    auto found = chain_.solve(b, run_.keep_going);
    if (found) x = std::move(*found);
    return found.has_value();
  }
  // x = sum x_r and what follows from it elsewhere: the expectation of x at the root that is met first.
  [[nodiscard]] bool extend(std::vector<mpq_class>& x) {
    if (all_equal(x, root_)) {
      const auto r = at(std::find(root_.begin(), root_.end(), char{1}) - root_.begin());
      x.assign(x.size(), mpq_class(x[r]));
      return true;
    }
    std::vector<mpq_class> entering(x.size());
    for (std::size_t s = 0; s < rows_.size(); ++s) {
      for (const auto& [next, p] : rows_[s]) {
        if (root_[at(next)] != 0) entering[s] += p * x[at(next)];
      }
    }
    return solve(entering, x);
  }
  // At the roots x / y, elsewhere not meant.
  [[nodiscard]] std::vector<mpq_class> root_means(std::span<const mpq_class> x, std::span<const mpq_class> y) const {
    std::vector<mpq_class> mean(x.size());
    for (std::size_t s = 0; s < x.size(); ++s) {
      if (root_[s] != 0) mean[s] = x[s] / y[s];
    }
    return mean;
  }

 private:
  [[nodiscard]] std::vector<RationalRow> without_roots() const {
    std::vector<RationalRow> rows = rows_;
    for (RationalRow& row : rows) std::erase_if(row, [&](const auto& entry) { return root_[at(entry.first)] != 0; });
    return rows;
  }

  const std::vector<RationalRow>& rows_;
  const ExactRun& run_;
  std::vector<char> root_;
  RationalChain chain_;
};

}  // namespace

ChainGain gain_of_chain(const std::vector<RationalRow>& rows, std::span<const mpq_class> cost, const ExactRun& run,
                        bool with_bias) {
  HittingSystem system(rows, run);
  ChainGain result;
  result.size = system.size();
  if (too_large(result.size, run)) {
    result.end = ExactEnd::too_large;
    return result;
  }
  const std::vector<mpq_class> ones(rows.size(), mpq_class(1));
  std::vector<mpq_class> time, total;
  if (!system.solve(ones, time) || !system.solve(cost, total)) return result;
  result.gain = system.root_means(total, time);
  if (!system.extend(result.gain)) return result;
  std::vector<mpq_class> excess;
  for (std::size_t s = 0; s < rows.size(); ++s) excess.emplace_back(cost[s] - result.gain[s]);
  if (!system.solve(excess, result.potential)) return result;
  if (with_bias) {
    std::vector<mpq_class> weighted;
    if (!system.solve(result.potential, weighted)) return result;
    std::vector<mpq_class> mean = system.root_means(weighted, time);
    if (!system.extend(mean)) return result;
    for (std::size_t s = 0; s < rows.size(); ++s) result.bias.emplace_back(result.potential[s] - mean[s]);
  }
  result.end = ExactEnd::solved;
  return result;
}

std::vector<Offset> usable_start(const ExactContext& context, std::span<const char> states,
                                 std::span<const char> usable) {
  std::vector<Offset> rows(states.size(), -1);
  for (std::size_t s = 0; s < states.size(); ++s) {
    if (states[s] == 0) continue;
    const Offset first = context.model().state_rows[s];
    rows[s] = first + context.start()[s];
    if (usable[at(rows[s])] == 0) rows[s] = std::find(usable.begin() + first, usable.end(), char{1}) - usable.begin();
  }
  return rows;
}

namespace {

// The states of the set, numbered, and back.
class Howard {
 public:
  Howard(ExactContext& context, std::span<const char> states, std::span<const char> usable, std::vector<Offset> start)
      : context_(context), model_(context.model()), usable_(usable) {
    result_.rows = std::move(start);
    result_.gain.resize(states.size());
    result_.potential.resize(states.size());
    result_.tied.assign(usable.size(), 0);
    place_.assign(states.size(), -1);
    for (std::size_t s = 0; s < states.size(); ++s) {
      if (states[s] == 0) continue;
      place_[s] = static_cast<std::int64_t>(states_.size());
      states_.push_back(s);
    }
    to_.resize(usable.size());
    for (const std::size_t s : states_)
      each_row(s, [&](Offset row) {
        for (const auto& [next, p] : model_.rows[at(row)].to) to_[at(row)].emplace_back(place_[at(next)], p);
      });
  }

  ExactGain operator()() {
    if (states_.empty()) result_.end = ExactEnd::solved;
    while (result_.end != ExactEnd::solved) {
      if (!evaluate()) return std::move(result_);
      const std::size_t n_changed = improve();
      const bool goes_on = context_.limits().swept(mpq_class(0), n_changed);
      if (n_changed == 0)
        result_.end = ExactEnd::solved;
      else if (!goes_on)
        return std::move(result_);
    }
    for (std::size_t i = 0; i < states_.size(); ++i) {
      result_.gain[states_[i]] = chain_.gain[i];
      result_.potential[states_[i]] = chain_.potential[i];
    }
    return std::move(result_);
  }

 private:
  template <class F>
  void each_row(std::size_t s, F&& f) const {
    for (Offset row = model_.state_rows[s]; row < model_.state_rows[s + 1]; ++row) {
      if (usable_[at(row)] != 0) f(row);
    }
  }

  bool evaluate() {
    std::vector<RationalRow> rows;
    std::vector<mpq_class> cost;
    for (const std::size_t s : states_) {
      rows.push_back(to_[at(result_.rows[s])]);
      cost.push_back(model_.rows[at(result_.rows[s])].cost);
    }
    chain_ = gain_of_chain(rows, cost, context_.limits(), false);
    result_.end = chain_.end == ExactEnd::solved ? ExactEnd::stopped : chain_.end;
    result_.size = chain_.size;
    return chain_.end == ExactEnd::solved;
  }

  // Gains first; where none improves, the potential on the rows that keep the gain.
  std::size_t improve() {
    const ExactGap gain_gap(chain_.gain), gap(chain_.potential);
    const std::vector<char> everywhere(chain_.gain.size(), 1);
    const bool constant = all_equal(chain_.gain, everywhere);
    const auto gain_sign = [&](Offset row, std::size_t i) {
      return constant ? 0 : gain_gap.sign(0, to_[at(row)], static_cast<std::int64_t>(i));
    };
    std::size_t n_changed = 0;
    if (!constant) {
      n_changed = take_best(
          chain_.gain, [&](Offset) { return mpq_class(0); },
          [&](Offset row, std::size_t i) { return gain_sign(row, i) < 0; });
    }
    if (n_changed > 0) return n_changed;
    const auto sign = [&](Offset row, std::size_t i) {
      return gap.sign(model_.rows[at(row)].cost - chain_.gain[i], to_[at(row)], static_cast<std::int64_t>(i));
    };
    n_changed = take_best(
        chain_.potential, [&](Offset row) { return model_.rows[at(row)].cost; },
        [&](Offset row, std::size_t i) { return gain_sign(row, i) == 0 && sign(row, i) < 0; });
    if (n_changed > 0) return n_changed;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      each_row(states_[i],
               [&](Offset row) { result_.tied[at(row)] = gain_sign(row, i) == 0 && sign(row, i) == 0 ? 1 : 0; });
    }
    return 0;
  }

  // Among the rows that are better, the one of the least cost + P value; the lowest of those.
  template <class Cost, class Better>
  std::size_t take_best(std::span<const mpq_class> value, Cost&& cost, Better&& better) {
    std::size_t n_changed = 0;
    for (std::size_t i = 0; i < states_.size(); ++i) {
      bool changed = false;
      mpq_class best;
      each_row(states_[i], [&](Offset row) {
        if (row == result_.rows[states_[i]] || !better(row, i)) return;
        const mpq_class own = expectation(cost(row), to_[at(row)], value);
        if (changed && own >= best) return;
        changed = true;
        best = own;
        next_row_ = row;
      });
      if (!changed) continue;
      result_.rows[states_[i]] = next_row_;
      ++n_changed;
    }
    return n_changed;
  }

  ExactContext& context_;
  const io::ExactModel& model_;
  std::span<const char> usable_;
  std::vector<std::int64_t> place_;
  std::vector<std::size_t> states_;
  std::vector<RationalRow> to_;  // [n_rows] of the usable rows of the set, states numbered
  ChainGain chain_;
  Offset next_row_ = -1;
  ExactGain result_;
};

}  // namespace

ExactGain least_exact_gain(ExactContext& context, std::span<const char> states, std::span<const char> usable,
                           std::vector<Offset> start) {
  return Howard(context, states, usable, std::move(start))();
}

}  // namespace mdp::solvers
