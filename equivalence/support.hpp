// equivalence/support.hpp — which successors the rows of an equivalent model may have.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmdp/graph/neighbours.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// The rule for D(s,a). States with V* = inf are never in it (T6).
enum class SupportRule : std::uint8_t {
  world,            ///< supp rho(.|s,a)
  reference,        ///< supp r(.|s,a)
  world_reference,  ///< both: "union"
  all,              ///< every state
  within,           ///< the states within `distance` steps of s in the neighbour graph
  mask              ///< supp of the same row of `mask`
};

struct Support {
  SupportRule rule = SupportRule::reference;
  int distance = 1;                         ///< of `within`; >= 0
  std::optional<Mdp> mask = {};             ///< of `mask`: same shape as the world
  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// D(s,a) and supp r together for one row after another. Scratch memory inside; one object per thread.
class SupportRows {
 public:
  /// \param graph  of SupportRule::within, else nullptr
  /// \param only_reference  states outside supp r are left out: the divergence is infinite there
  SupportRows(const Support& support, const Mdp& world, const Mdp& reference, const graph::NeighbourGraph* graph,
              bool only_reference);

  /// Fills the columns below for a row of state s.
  void set(State s, Offset row);

  std::vector<State> states;  ///< D and supp r, ascending
  std::vector<double> r;      ///< 0 outside the support of the reference
  std::vector<char> allowed;  ///< in D

 private:
  void set_domain(State s, Offset row);

  const Support& support_;
  const Mdp& world_;
  const Mdp& reference_mdp_;
  bool only_reference_;
  std::vector<graph::NeighbourSearch> search_;  // one for `within`
  State ball_of_ = -1;
  std::vector<State> domain_;
};

}  // namespace mdp::equivalence
