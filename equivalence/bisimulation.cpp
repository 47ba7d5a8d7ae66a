#include "equivalence/bisimulation.hpp"

#include <algorithm>

#include "equivalence/exact_bisimulation.hpp"
#include "equivalence/rebuild.hpp"
#include "libmdp/error.hpp"

namespace mdp::equivalence {
namespace {

void require_fits(const Mdp& mdp, const Bisimulation& found) {
  const auto refuse = [](const std::string& what) { throw InvalidArgument("bisimulation: " + what); };
  if (found.block.size() != static_cast<std::size_t>(mdp.n_states())) {
    refuse("of " + std::to_string(found.block.size()) + " states, required " + std::to_string(mdp.n_states()));
  }
  for (State s = 0; s < mdp.n_states(); ++s) {
    const State block = found.block[static_cast<std::size_t>(s)];
    if (block < 0 || block >= found.n_blocks()) refuse("state " + mdp.state_name(s) + " is in no block");
    const State other = found.representative[static_cast<std::size_t>(block)];
    if (other < 0 || other >= mdp.n_states() || mdp.n_actions(other) != mdp.n_actions(s)) {
      refuse("states " + mdp.state_name(s) + " and " + std::to_string(other) + " of a block differ in their actions");
    }
  }
}

// The probabilities of the blocks that a row reaches, added up in twice the precision; blocks ascending.
class BlockMasses {
 public:
  BlockMasses(const Mdp& mdp, const Bisimulation& found)
      : mdp_(mdp), found_(found), mass_(found.representative.size()), reached_(found.representative.size(), 0) {}

  // Calls f(block, mass).
  template <class F>
  void each(Offset row, F&& f) {
    const auto r = static_cast<std::size_t>(row);
    const auto tail = mdp_.probability_tail();
    blocks_.clear();
    for (auto k = static_cast<std::size_t>(mdp_.row_begin()[r]); k < static_cast<std::size_t>(mdp_.row_begin()[r + 1]);
         ++k) {
      const State block = found_.block[static_cast<std::size_t>(mdp_.next_state()[k])];
      const auto b = static_cast<std::size_t>(block);
      const TwoDouble p(mdp_.probability()[k], tail.empty() ? 0.0 : tail[k]);
      if (reached_[b] == 0) blocks_.push_back(block);
      mass_[b] = reached_[b] == 0 ? p : mass_[b] + p;
      reached_[b] = 1;
    }
    std::ranges::sort(blocks_);
    for (const State block : blocks_) {
      reached_[static_cast<std::size_t>(block)] = 0;
      f(block, mass_[static_cast<std::size_t>(block)]);
    }
  }

 private:
  const Mdp& mdp_;
  const Bisimulation& found_;
  std::vector<TwoDouble> mass_;
  std::vector<char> reached_;
  std::vector<State> blocks_;
};

}  // namespace

Bisimulation bisimulation(const Mdp& mdp) { return exact_bisimulation(io::exact_model_of(mdp)); }

Mdp quotient(const Mdp& mdp, const Bisimulation& found) {
  require_fits(mdp, found);
  MdpArrays arrays;
  arrays.state_rows.push_back(0);
  arrays.row_begin.push_back(0);
  arrays.discount = mdp.exact_discount();
  arrays.names.actions = mdp.names().actions;
  BlockMasses masses(mdp, found);
  for (const State s : found.representative) {
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]);
    for (std::size_t row = first; row < first + static_cast<std::size_t>(mdp.n_actions(s)); ++row) {
      masses.each(static_cast<Offset>(row), [&](State block, TwoDouble mass) {
        arrays.next_state.push_back(block);
        arrays.probability.push_back(mass.hi);
        arrays.probability_tail.push_back(mass.lo);
      });
      arrays.row_begin.push_back(static_cast<Offset>(arrays.next_state.size()));
      arrays.cost.push_back(mdp.cost()[row]);
      if (!mdp.cost_tail().empty()) arrays.cost_tail.push_back(mdp.cost_tail()[row]);
      if (!mdp.names().row_action.empty()) arrays.names.row_action.push_back(mdp.names().row_action[row]);
    }
    arrays.state_rows.push_back(static_cast<Offset>(arrays.row_begin.size()) - 1);
    if (!mdp.names().states.empty()) arrays.names.states.push_back(mdp.state_name(s));
    if (std::ranges::binary_search(mdp.goal(), s)) {
      arrays.goal.push_back(found.block[static_cast<std::size_t>(s)]);
    }
  }
  arrays.initial.assign(found.representative.size(), 0.0);
  for (std::size_t s = 0; s < found.block.size(); ++s) {
    arrays.initial[static_cast<std::size_t>(found.block[s])] += mdp.initial()[s];
  }
  return build(std::move(arrays)).with_objective(mdp.objective());
}

std::vector<std::vector<State>> weighted_members(const Bisimulation& found, std::span<const double> weight,
                                                 const std::function<std::string(State)>& name) {
  const std::size_t n = found.block.size();
  if (!weight.empty() && weight.size() != n) {
    throw InvalidArgument("lift: " + std::to_string(weight.size()) + " weights, required " + std::to_string(n));
  }
  std::vector<std::vector<State>> members(found.representative.size());
  for (std::size_t s = 0; s < n; ++s) {
    const double w = weight.empty() ? 1.0 : weight[s];
    if (!(w >= 0.0 && w < infinity)) {
      throw InvalidArgument("lift: the weight of state " + name(static_cast<State>(s)) + " is " + std::to_string(w) +
                            ", required finite and >= 0");
    }
    if (w > 0.0) members[static_cast<std::size_t>(found.block[s])].push_back(static_cast<State>(s));
  }
  for (std::size_t b = 0; b < members.size(); ++b) {
    if (!members[b].empty()) continue;
    throw InvalidArgument("lift: the weights of the block of state " + name(found.representative[b]) + " sum to 0");
  }
  return members;
}

Mdp lift(const Mdp& mdp, const Bisimulation& found, std::span<const double> weight) {
  require_fits(mdp, found);
  const auto members = weighted_members(found, weight, [&](State s) { return mdp.state_name(s); });
  std::vector<double> total;
  for (const auto& block : members) {
    total.push_back(0.0);
    for (const State s : block) total.back() += weight.empty() ? 1.0 : weight[static_cast<std::size_t>(s)];
  }
  Transitions rows;
  rows.row_begin.push_back(0);
  BlockMasses masses(mdp, found);
  std::vector<std::pair<State, double>> row_entries;
  for (Offset row = 0; row < mdp.n_rows(); ++row) {
    row_entries.clear();
    masses.each(row, [&](State block, TwoDouble mass) {
      const auto b = static_cast<std::size_t>(block);
      for (const State s : members[b]) {
        const double w = weight.empty() ? 1.0 : weight[static_cast<std::size_t>(s)];
        row_entries.emplace_back(s, mass.hi * (w / total[b]));
      }
    });
    std::ranges::sort(row_entries);
    for (const auto& [s, p] : row_entries) {
      rows.next_state.push_back(s);
      rows.probability.push_back(p);
    }
    rows.row_begin.push_back(static_cast<Offset>(rows.next_state.size()));
  }
  return rebuild(mdp, std::move(rows), mdp.exact_discount());
}

}  // namespace mdp::equivalence
