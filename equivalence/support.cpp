#include "equivalence/support.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace mdp::equivalence {
namespace {

std::span<const State> successors(const Mdp& mdp, Offset row) {
  const auto first = static_cast<std::size_t>(mdp.row_begin()[static_cast<std::size_t>(row)]);
  const auto last = static_cast<std::size_t>(mdp.row_begin()[static_cast<std::size_t>(row) + 1]);
  return mdp.next_state().subspan(first, last - first);
}

}  // namespace

std::string Support::check() const {
  if (rule == SupportRule::within && distance < 0) {
    return "support.distance = " + std::to_string(distance) + ", required >= 0";
  }
  if ((rule == SupportRule::mask) != mask.has_value())
    return "support.mask is required by the rule `mask` and by no other";
  return {};
}

SupportRows::SupportRows(const Support& support, const Mdp& world, const Mdp& reference,
                         const graph::NeighbourGraph* graph, bool only_reference)
    : support_(support), world_(world), reference_mdp_(reference), only_reference_(only_reference) {
  if (support.rule == SupportRule::within) search_.emplace_back(*graph);
  if (support.rule == SupportRule::all) {
    domain_.resize(static_cast<std::size_t>(world.n_states()));
    std::iota(domain_.begin(), domain_.end(), 0);
  }
}

void SupportRows::set_domain(State s, Offset row) {
  const auto assign = [this](std::span<const State> from) { domain_.assign(from.begin(), from.end()); };
  switch (support_.rule) {
    case SupportRule::world: return assign(successors(world_, row));
    case SupportRule::reference: return assign(successors(reference_mdp_, row));
    case SupportRule::mask: return assign(successors(*support_.mask, row));
    case SupportRule::all: return;
    case SupportRule::within:
      if (ball_of_ != s) search_.front().ball(s, support_.distance, domain_);
      ball_of_ = s;
      return;
    case SupportRule::world_reference: {
      const auto in_world = successors(world_, row);
      const auto in_reference = successors(reference_mdp_, row);
      domain_.clear();
      std::set_union(in_world.begin(), in_world.end(), in_reference.begin(), in_reference.end(),
                     std::back_inserter(domain_));
      return;
    }
  }
}

void SupportRows::set(State s, Offset row) {
  set_domain(s, row);
  const auto seen = successors(reference_mdp_, row);
  const double* seen_r =
      reference_mdp_.probability().data() + reference_mdp_.row_begin()[static_cast<std::size_t>(row)];
  states.clear();
  r.clear();
  allowed.clear();
  const auto add = [this](State state, double probability, bool in_domain) {
    states.push_back(state);
    r.push_back(probability);
    allowed.push_back(in_domain ? 1 : 0);
  };
  if (only_reference_) {
    for (std::size_t i = 0; i < seen.size(); ++i) {
      add(seen[i], seen_r[i], std::binary_search(domain_.begin(), domain_.end(), seen[i]));
    }
    return;
  }
  std::size_t i = 0;
  for (const State state : domain_) {
    for (; i < seen.size() && seen[i] < state; ++i) add(seen[i], seen_r[i], false);
    const bool is_seen = i < seen.size() && seen[i] == state;
    add(state, is_seen ? seen_r[i++] : 0.0, true);
  }
  for (; i < seen.size(); ++i) add(seen[i], seen_r[i], false);
}

}  // namespace mdp::equivalence
