#include "solvers/bias.hpp"

#include <utility>

#include "libmdp/graph/components.hpp"
#include "libmdp/graph/reduce.hpp"
#include "solvers/absorbing.hpp"
#include "solvers/component_gain.hpp"

namespace mdp::solvers {
namespace {

using graph::ReducedMdp;

std::vector<Offset> only_rows(const ReducedMdp& chain) {
  std::vector<Offset> rows(at(chain.n_states()));
  for (std::size_t s = 0; s < rows.size(); ++s) rows[s] = chain.state_rows[s];
  return rows;
}

// The chain of the policy on its closed set, one row per state.
struct PolicyPart {
  std::vector<State> state_of;  // [n_states] -1 = not in it
  ReducedMdp chain;
  std::vector<State> class_of;  // [chain states] -1 = transient
  State n_classes = 0;

  PolicyPart(const Mdp& mdp, std::span<const char> closed, const Policy& policy) : state_of(closed.size(), -1) {
    graph::RowMask taken(at(mdp.n_rows()), 0);
    graph::Reduction reduction;
    for (State s = 0; s < mdp.n_states(); ++s) {
      if (closed[at(s)] == 0) continue;
      state_of[at(s)] = reduction.n_states++;
      taken[at(selected_row(mdp, policy, s))] = 1;
    }
    reduction.state_of = state_of;
    reduction.usable = taken;
    reduction.keep_loops = true;
    chain = graph::reduce(mdp, reduction);
    const auto classes = graph::maximal_end_components(mdp, taken);
    n_classes = classes.count;
    for (std::size_t s = 0; s < state_of.size(); ++s) {
      if (state_of[s] >= 0) class_of.push_back(classes.of_state[s]);
    }
  }
};

// Gain and bias of the recurrent states; zero elsewhere.
struct GainAndBias {
  std::vector<TwoDouble> gain, bias;
  bool good = true;
};

GainAndBias of_recurrent(const PolicyPart& part) {
  GainAndBias result;
  result.gain.resize(part.class_of.size());
  result.bias.resize(part.class_of.size());
  std::vector<char> recurrent;
  std::vector<State> members;
  std::vector<State> class_of;
  for (std::size_t s = 0; s < part.class_of.size(); ++s) {
    recurrent.push_back(part.class_of[s] >= 0 ? char{1} : char{0});
    if (part.class_of[s] < 0) continue;
    members.push_back(static_cast<State>(s));
    class_of.push_back(part.class_of[s]);
  }
  const auto classes = graph::split(graph::restrict_to(part.chain, recurrent), class_of, part.n_classes);
  std::vector<RootedGain> gains;
  for (ReducedMdp chain : classes) {
    const auto rows = only_rows(chain);
    gains.push_back(evaluate_gain(chain, rows, 0));
    chain.cost = gains.back().relative_value;
    const RootedGain mean = evaluate_gain(chain, rows, 0);
    for (TwoDouble& h : gains.back().relative_value) h = h - mean.gain;
    result.good = result.good && gains.back().good && mean.good;
  }
  std::vector<std::size_t> next(classes.size(), 0);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto c = at(class_of[i]);
    result.gain[at(members[i])] = gains[c].gain;
    result.bias[at(members[i])] = gains[c].relative_value[next[c]++];
  }
  return result;
}

// Adds what transient states pay until they end in the boundary.
bool extend(const ReducedMdp& chain, const std::vector<State>& class_of, std::vector<TwoDouble>& boundary) {
  std::vector<char> transient;
  transient.reserve(class_of.size());
  for (const State c : class_of) transient.push_back(c < 0 ? char{1} : char{0});
  const ReducedMdp part = graph::restrict_to(chain, transient, boundary);
  const AbsorbingAnswer answer = evaluate_absorbing(part, only_rows(part));
  if (answer.end != AbsorbingEnd::enclosed) return false;
  std::size_t i = 0;
  for (std::size_t s = 0; s < transient.size(); ++s) {
    if (transient[s] != 0) boundary[s] = answer.value[i++];
  }
  return true;
}

}  // namespace

std::vector<double> bias_of(const Mdp& mdp, std::span<const char> closed, const Policy& policy) {
  const PolicyPart part(mdp, closed, policy);
  std::vector<double> bias(closed.size(), not_computed);
  GainAndBias result = of_recurrent(part);
  if (!result.good) return bias;
  ReducedMdp chain = part.chain;
  chain.cost.assign(chain.cost.size(), TwoDouble());
  if (!extend(chain, part.class_of, result.gain)) return bias;
  for (std::size_t s = 0; s < result.gain.size(); ++s) chain.cost[s] = part.chain.cost[s] - result.gain[s];
  if (!extend(chain, part.class_of, result.bias)) return bias;
  for (std::size_t s = 0; s < bias.size(); ++s) {
    if (part.state_of[s] >= 0) bias[s] = result.bias[at(part.state_of[s])].value();
  }
  return bias;
}

}  // namespace mdp::solvers
