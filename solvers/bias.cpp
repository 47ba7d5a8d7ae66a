#include "solvers/bias.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "libmdp/bounds.hpp"
#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reduce.hpp"
#include "libmdp/vectors.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/absorbing_methods.hpp"
#include "solvers/component_gain.hpp"
#include "solvers/component_models.hpp"
#include "solvers/criterion_answer.hpp"
#include "solvers/gain_iteration.hpp"

namespace mdp::solvers {
namespace {

using graph::ReducedMdp;

constexpr double inflate = 1.0 + 0x1p-30;
constexpr std::size_t few_states = 2000;  // that are worth trying to eliminate

// Factors of elimination: few, or not worth it.
double most_entries(std::size_t n_states) { return std::max(1e5, 40.0 * static_cast<double>(n_states)); }

std::vector<Offset> only_rows(const ReducedMdp& chain) {
  std::vector<Offset> rows(at(chain.n_states()));
  for (std::size_t s = 0; s < rows.size(); ++s) rows[s] = chain.state_rows[s];
  return rows;
}

// The rows of the policy on its closed set, and its recurrent classes.
struct PolicyPart {
  std::vector<State> states;    // of the MDP, ascending
  graph::RowMask taken;         // [n_rows]
  std::vector<State> class_of;  // [states] -1 = transient
  State n_classes = 0;

  PolicyPart(const Mdp& mdp, std::span<const char> closed, const Policy& policy) : taken(at(mdp.n_rows()), 0) {
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (closed[at(s)] == 0) continue;
      states.push_back(s);
      taken[at(selected_row(mdp, policy, s))] = 1;
    }
    const auto classes = graph::maximal_end_components(mdp, taken);
    n_classes = classes.count;
    for (const State s : states) class_of.push_back(classes.of_state[at(s)]);
  }

  [[nodiscard]] ReducedMdp chain(const Mdp& mdp, const EntryUncertainty& uncertainty) const {
    graph::Reduction reduction;
    reduction.state_of.assign(at(mdp.n_states()), -1);
    for (const State s : states) reduction.state_of[at(s)] = reduction.n_states++;
    reduction.usable = taken;
    reduction.keep_loops = true;
    reduction.entry_error = uncertainty.probability;
    reduction.cost_error = uncertainty.cost;
    return graph::reduce(mdp, reduction);
  }
};

// Numbers of the states of a chain, each known to its error.
struct Known {
  std::vector<TwoDouble> value;
  std::vector<double> error;

  explicit Known(std::size_t n) : value(n), error(n, 0.0) {}
};

// Costs of a chain in place of its own.
Mdp paying(const Mdp& chain, std::span<const TwoDouble> cost) {
  Buffer<double> high, low;
  for (const TwoDouble c : cost) {
    high.push_back(c.hi);
    low.push_back(c.lo);
  }
  return chain.with_cost(std::move(high), std::move(low));
}

// [states] bounds on the time until `root` from everywhere; empty where none was found.
std::vector<double> times_until(const Mdp& chain, State root, const EntryUncertainty& uncertainty, Run& run) {
  std::vector<TwoDouble> indicator(at(chain.n_states()));
  indicator[at(root)] = 1.0;
  const Accuracy rough{0.0, 0.25};
  const IteratedGain k = iterate_gain(paying(chain, indicator), rough, {uncertainty.probability, 0.0}, run);
  std::vector<double> time;
  if (!(k.gaps.lower > 0.0)) return time;
  for (const TwoDouble x : k.relative_value) {
    time.push_back(std::abs((k.relative_value[at(root)] - x).value()) / k.gaps.lower * inflate);
  }
  return time;
}

// A recurrent state that is reached soon, it is to be hoped: follow the likeliest move to another state from everywhere; of the cycles
// where that ends, the one that most states end in.
State soon_reached(const Mdp& chain, std::span<const State> class_of) {
  const auto n = at(chain.n_states());
  std::vector<State> likeliest(n);
  for (std::size_t s = 0; s < n; ++s) {
    likeliest[s] = static_cast<State>(s);
    double most = 0.0;
    for (Offset k = chain.row_begin()[s]; k < chain.row_begin()[s + 1]; ++k) {
      const State next = chain.next_state()[at(k)];
      if (at(next) == s || !(chain.probability()[at(k)] > most)) continue;
      most = chain.probability()[at(k)];
      likeliest[s] = next;
    }
  }
  std::vector<State> end(n, -1), size(n, 0), path;  // the lowest state of the cycle; how many end there
  std::vector<char> on_path(n, 0);
  for (std::size_t first = 0; first < n; ++first) {
    path.clear();
    auto s = static_cast<State>(first);
    for (; end[at(s)] < 0 && on_path[at(s)] == 0; s = likeliest[at(s)]) {
      on_path[at(s)] = 1;
      path.push_back(s);
    }
    if (end[at(s)] < 0) {
      State lowest = s;
      for (State t = likeliest[at(s)]; t != s; t = likeliest[at(t)]) lowest = std::min(lowest, t);
      end[at(s)] = lowest;
    }
    for (const State t : path) end[at(t)] = end[at(s)];
    for (const State t : path) on_path[at(t)] = 0;
    size[at(end[at(s)])] += static_cast<State>(path.size());
  }
  State best = -1;
  for (std::size_t s = 0; s < n; ++s) {
    if (class_of[s] >= 0 && (best < 0 || size[s] > size[at(best)])) best = static_cast<State>(s);
  }
  return best;
}

// How well, and how.
struct Wanted {
  const EntryUncertainty& uncertainty;
  Accuracy accuracy;
  Run& run;
  std::span<const double> start;  // [n_states] of the MDP, or empty

  [[nodiscard]] double asked(double max_abs_cost) const { return 0.25 * accuracy.at(max_abs_cost); }
  [[nodiscard]] std::vector<double> start_of(std::span<const State> states) const {
    std::vector<double> own;
    if (start.empty()) return own;
    for (const State s : states) own.push_back(start[at(s)]);
    return own;
  }
};

struct IteratedBias {
  Known bias;
  TwoDouble gain;
  double gain_error;
};

// Many states, one class.
// \param time_before  for how long its gain is waited for elsewhere: it is wanted that much closer
std::optional<IteratedBias> iterated(const Mdp& chain, std::span<const State> class_of, const Wanted& wanted,
                                     std::span<const double> start, double time_before = 0.0) {
  const EntryUncertainty& uncertainty = wanted.uncertainty;
  Run& run = wanted.run;
  const std::vector<double> time = times_until(chain, soon_reached(chain, class_of), uncertainty, run);
  const double longest = time.empty() ? infinity : *std::max_element(time.begin(), time.end());
  // Biases range from a few costs to many times that: all to what is allowed at the small ones.
  const double asked = wanted.asked(chain.max_abs_cost());
  const double waiting = std::max(longest, time_before);
  const Accuracy share{waiting < infinity ? asked / waiting : 1e-3 * asked, 0.0};
  const IteratedGain h = iterate_gain(chain, share, uncertainty, run, start);
  if (!std::isfinite(h.gaps.upper - h.gaps.lower)) return std::nullopt;
  const IteratedGain mean =
      iterate_gain(paying(chain, h.relative_value), {asked, 0.0}, {uncertainty.probability, 0.0}, run);
  if (!std::isfinite(mean.upper - mean.lower)) return std::nullopt;
  const double m = mean.lower + 0.5 * (mean.upper - mean.lower);
  const double mean_error = (0.5 * (mean.upper - mean.lower) + 4.0 * unit_roundoff * std::abs(m)) * inflate;
  const double width = (h.gaps.upper - h.gaps.lower) * inflate;
  const double gain = h.gaps.lower + 0.5 * (h.gaps.upper - h.gaps.lower);
  IteratedBias found{Known(class_of.size()), gain, (0.5 * width + 4.0 * unit_roundoff * std::abs(gain)) * inflate};
  for (std::size_t s = 0; s < class_of.size(); ++s) {
    found.bias.value[s] = h.relative_value[s] - TwoDouble(m);
    found.bias.error[s] = time.empty() ? infinity : (width * (time[s] + longest) + mean_error) * inflate;
  }
  return found;
}

// Gain and bias of the recurrent classes, one by one, then of the transient states: by elimination, and by iterations where that is dear.
class ByClasses {
 public:
  ByClasses(const Mdp& mdp, const PolicyPart& part, const Wanted& wanted)
      : mdp_(mdp),
        part_(part),
        chain_(part.chain(mdp, wanted.uncertainty)),
        wanted_(wanted),
        gain_(part.class_of.size()),
        bias_(part.class_of.size()) {
    for (const State c : part.class_of) transient_.push_back(c < 0 ? char{1} : char{0});
  }

  // NaN where a class, or the way to one, is out of the range of doubles, or the run was stopped.
  [[nodiscard]] Known operator()() {
    if (!solve()) {
      for (std::size_t s = 0; s < bias_.value.size(); ++s) {
        if (part_.class_of[s] < 0) bias_.value[s] = not_computed;
      }
    }
    return std::move(bias_);
  }

 private:
  bool solve() {
    if (!set_recurrent()) return false;
    ReducedMdp chain = chain_;
    chain.cost.assign(chain.cost.size(), TwoDouble());
    chain.cost_error = 0.0;
    const Accuracy asked{wanted_.asked(mdp_.max_abs_cost()), 0.25 * wanted_.accuracy.relative};
    const double time = std::max(1.0, time_to_classes());
    const double rounding = 8.0 * unit_roundoff * time;  // of iterations, relative to what is paid at the end
    if (!extend(chain, gain_, {asked.absolute / time, std::max(asked.relative / time, rounding)})) return false;
    double error = 0.0;
    for (std::size_t s = 0; s < gain_.value.size(); ++s) {
      chain.cost[s] = chain_.cost[s] - gain_.value[s];
      if (part_.class_of[s] < 0) error = std::max(error, gain_.error[s] + cost_error(s));
    }
    chain.cost_error = (error + chain_.cost_error) * inflate;
    return extend(chain, bias_, asked);
  }

  // Of a difference of cost and gain, relative errors included.
  [[nodiscard]] double cost_error(std::size_t s) const {
    return (chain_.entry_error + 16.0 * unit_roundoff * unit_roundoff) *
           (std::abs(chain_.cost[s].hi) + std::abs(gain_.value[s].hi)) * inflate;
  }

  bool set_recurrent() {
    std::vector<char> recurrent;
    std::vector<State> class_of;
    std::vector<std::size_t> members;
    for (std::size_t s = 0; s < part_.class_of.size(); ++s) {
      recurrent.push_back(part_.class_of[s] >= 0 ? char{1} : char{0});
      if (part_.class_of[s] < 0) continue;
      members.push_back(s);
      class_of.push_back(part_.class_of[s]);
    }
    ReducedMdp classes = graph::restrict_to(chain_, recurrent);
    std::vector<std::vector<std::size_t>> of_class(at(part_.n_classes));
    for (std::size_t i = 0; i < members.size(); ++i) of_class[at(class_of[i])].push_back(members[i]);
    const auto parts = graph::split(classes, class_of, part_.n_classes);
    bool good = true;
    for (std::size_t c = 0; c < parts.size(); ++c) {
      const bool few = of_class[c].size() <= few_states;
      if ((few && set_class(parts[c], of_class[c])) || iterate_class(of_class[c])) continue;
      for (const std::size_t s : of_class[c]) bias_.value[s] = not_computed;
      good = false;
    }
    return good;
  }

  bool set_class(ReducedMdp chain, const std::vector<std::size_t>& members) {
    const auto rows = only_rows(chain);
    const double most = most_entries(rows.size());
    const RootedGain own = evaluate_gain(chain, rows, 0, most);
    if (!own.good) return false;
    chain.cost = own.relative_value;
    chain.cost_error = *std::max_element(own.value_error.begin(), own.value_error.end());
    const RootedGain mean = evaluate_gain(chain, rows, 0, most);
    if (!mean.good) return false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const TwoDouble h = own.relative_value[i];
      gain_.value[members[i]] = own.gain;
      gain_.error[members[i]] = own.gain_error;
      bias_.value[members[i]] = h - mean.gain;
      bias_.error[members[i]] = (own.value_error[i] + mean.gain_error +
                                 16.0 * unit_roundoff * unit_roundoff * (std::abs(h.hi) + std::abs(mean.gain.hi))) *
                                inflate;
    }
    return true;
  }

  bool iterate_class(const std::vector<std::size_t>& members) {
    if (wanted_.run.stopped() != Status::not_run) return false;
    std::vector<State> states;
    states.reserve(members.size());
    for (const std::size_t s : members) states.push_back(part_.states[s]);
    const ClosedPart own = closed_part(mdp_, states, part_.taken);
    const std::vector<State> one_class(states.size(), 0);
    const auto found = iterated(own.mdp, one_class, wanted_, wanted_.start_of(states), time_to_classes());
    if (!found) return false;
    for (std::size_t i = 0; i < members.size(); ++i) {
      gain_.value[members[i]] = found->gain;
      gain_.error[members[i]] = found->gain_error;
      bias_.value[members[i]] = found->bias.value[i];
      bias_.error[members[i]] = found->bias.error[i];
    }
    return true;
  }

  // Bound on the time that transient states take to a recurrent one; 0 if there are none.
  double time_to_classes() {
    if (time_to_classes_) return *time_to_classes_;
    ReducedMdp chain = chain_;
    chain.cost.assign(chain.cost.size(), TwoDouble(1.0));
    chain.cost_error = 0.0;
    Known time(transient_.size());
    const bool known = extend(chain, time, {0.0, 0.25});
    double longest = known ? 0.0 : infinity;
    for (std::size_t s = 0; s < transient_.size(); ++s) {
      if (transient_[s] != 0) longest = std::max(longest, (time.value[s].hi + time.error[s]) * inflate);
    }
    time_to_classes_ = longest;
    return longest;
  }

  // Adds what transient states pay until they end in the boundary.
  bool extend(const ReducedMdp& chain, Known& boundary, const Accuracy& accuracy) {
    double boundary_error = 0.0;
    double largest = 0.0;
    for (std::size_t s = 0; s < transient_.size(); ++s) {
      largest = std::max({largest, std::abs(chain.cost[s].hi), std::abs(boundary.value[s].hi)});
      if (transient_[s] == 0) boundary_error = std::max(boundary_error, boundary.error[s]);
    }
    const auto n = at(graph::count(transient_));
    if (n == 0) return true;
    ReducedMdp part = graph::restrict_to(chain, transient_, boundary.value);
    // Costs and boundary may cancel.
    part.cost_error =
        (part.cost_error + 2.0 * (part.entry_error + 16.0 * unit_roundoff * unit_roundoff) * largest) * inflate;
    const bool eliminate = n <= 300 || (n <= few_states && elimination_is_cheap(part));
    const AbsorbingAnswer answer =
        eliminate ? evaluate_absorbing(part, only_rows(part)) : iterate_reduced(part, accuracy, {}, wanted_.run).answer;
    if (answer.end == AbsorbingEnd::failed || answer.end == AbsorbingEnd::unbounded) return false;
    std::size_t i = 0;
    for (std::size_t s = 0; s < transient_.size(); ++s) {
      if (transient_[s] == 0) continue;
      boundary.value[s] = answer.value[i];
      boundary.error[s] = (std::max(answer.above[i], answer.below[i]) + boundary_error) * inflate;
      ++i;
    }
    return true;
  }

  const Mdp& mdp_;
  const PolicyPart& part_;
  const ReducedMdp chain_;
  const Wanted& wanted_;
  std::vector<char> transient_;  // [states of the part]
  std::optional<double> time_to_classes_;
  Known gain_, bias_;
};

}  // namespace

Bias bias_of(const Mdp& mdp, std::span<const char> closed, const Policy& policy, const EntryUncertainty& uncertainty,
             const Accuracy& accuracy, Run& run, std::span<const double> start) {
  const PolicyPart part(mdp, closed, policy);
  Bias bias;
  bias.value.assign(closed.size(), not_computed);
  bias.lower = bias.upper = bias.value;
  std::optional<Known> known;
  const bool one_class = part.n_classes == 1;
  const Wanted wanted{uncertainty, accuracy, run, start};
  if (part.states.size() <= few_states || !one_class) known = ByClasses(mdp, part, wanted)();
  const auto unknown = [](TwoDouble x) { return std::isnan(x.hi); };
  const bool all = known && std::none_of(known->value.begin(), known->value.end(), unknown);
  if (!all && one_class && run.stopped() == Status::not_run) {
    const ClosedPart chain = closed_part(mdp, part.states, part.taken);
    if (auto found = iterated(chain.mdp, part.class_of, wanted, wanted.start_of(part.states))) {
      known = std::move(found->bias);
    }
  }
  if (!known) return bias;
  for (std::size_t i = 0; i < part.states.size(); ++i) {
    const auto s = at(part.states[i]);
    if (unknown(known->value[i])) continue;
    bias.value[s] = known->value[i].value();
    bias.lower[s] = outward_lower(known->value[i], known->error[i]);
    bias.upper[s] = outward_upper(known->value[i], known->error[i]);
  }
  return bias;
}

}  // namespace mdp::solvers
