// equivalence/mass_transport.hpp — Wasserstein-1 and l1: where the mass of r goes (internal to the room).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "equivalence/ground_distance.hpp"
#include "equivalence/row_solution.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

/// minimise sum_ij pi_ij c(i, j) subject to sum_j pi_ij = r_i, p_j = sum_i pi_ij, sum p x = 0, p = 0 where x = +inf
/// (section 3 of the theory, Wasserstein-1; l1 = twice the cost for the metric c(i, j) = 1 for i != j).
///
/// An atom of r that is moved to x = y on average costs C_i(y), the lower convex hull of the points (x_j, c(i, j)). All atoms
/// start at their leftmost hull point; hull edges of all atoms are walked in order of their slope until sum p x = 0: the
/// infimal convolution of the C_i. At most one atom is split, between the ends of one edge, whose slope is the multiplier.
/// Weak duality: sum_i r_i min_j (c(i, j) - slope x_j) is a lower bound.
class MassTransport {
 public:
  /// \param ground  nullptr: the metric c(i, j) = 1, i != j
  explicit MassTransport(const GroundDistance* ground);

  /// \param states  [n]
  /// \param r       [n] >= 0, sums to 1 but for rounding
  /// \param x       [n] within [-1, 1] or +inf; 0 in reach of their hull
  RowSolution operator()(std::span<const State> states, std::span<const double> r, std::span<const double> x,
                         std::span<double> p);

 private:
  struct Atom {
    std::size_t position;
    std::size_t first_vertex;
    std::size_t n_vertices;
    std::size_t vertex;  ///< where it is
    bool is_split;       ///< between `vertex` and the one before
  };
  struct Edge {
    double slope;
    std::size_t atom;
    std::size_t vertex;  ///< its left end
  };
  void add_hull(std::size_t position, std::span<const State> states, std::span<const double> x);
  void discrete_hull(std::size_t position, std::span<const double> x);

  std::vector<GroundDistance> ground_;  // one, or none: discrete
  std::vector<std::size_t> order_;      // positions of D, x ascending
  std::vector<State> targets_;
  std::vector<double> target_distance_, cost_;
  std::vector<std::size_t> hull_;
  std::vector<Atom> atoms_;
  std::vector<std::size_t> vertex_;
  std::vector<double> vertex_cost_;
  std::vector<Edge> edges_;
};

}  // namespace mdp::equivalence
