// equivalence/plausible_model.hpp — one possible successor per pair, nearly equivalent (T10).
#pragma once

#include <optional>
#include <vector>

#include "equivalence/known_values.hpp"
#include "equivalence/model_defect.hpp"
#include "libmdp/graph/neighbours.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::equivalence {

/// What T10 says of one row, at the values as they were given. In cost sense.
struct PlausibleRow {
  State successor = -1;  ///< in supp rho with V* nearest E_rho[V*]; the lowest of equals
  double error = 0.0;    ///< |V*(successor) - E_rho[V*]|
  double bound = 0.0;    ///< >= error: J/2 if connected, else half the largest gap in the sorted V* on supp rho
  int n_components = 1;  ///< of supp rho in the neighbour graph
  State separated[2] = {-1, -1};  ///< the lowest states of the first two components, if there are two
};

struct PlausibleModelResult {
  std::vector<PlausibleRow> rows;  ///< [n_rows]; pairs with Q* = inf keep their row: successor -1
  Offset n_disconnected = 0;
  /// gamma max bound over the rows, widened by what the enclosure of V* leaves open: >= epsilon (T10). With every row
  /// connected it is gamma max J/2.
  double bound = not_computed;
  double epsilon = not_computed;  ///< proved true error of the model, max |Delta| (T9)
  ModelDefect defect;
  std::optional<Mdp> model;  ///< supp in supp rho, the world's cost and discount
};

/// T10: supp rho(.|s,a) connected in the neighbour graph, J the largest |V*(i) - V*(j)| over its edges inside: some single
/// successor has |V*(s') - E_rho V*| <= J/2 (on a path between states below and above the mean an edge crosses it), so
/// the deterministic model of those successors satisfies T9 with epsilon <= gamma max J/2.
/// \param graph  nullptr: that of the world's transitions
/// \throws InvalidArgument if values do not fit. O(n_transitions log) and the edges inside the rows.
[[nodiscard]] PlausibleModelResult plausible_model(const Mdp& world, const KnownValues& world_values,
                                                   const graph::NeighbourGraph* graph = nullptr, int threads = 0);

}  // namespace mdp::equivalence
