// equivalence/row_polytope.hpp — all rows that meet one moment equation (T6).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "libmdp/random.hpp"
#include "libmdp/types.hpp"

namespace mdp::equivalence {

/// The polytope { p : p >= 0 on D, sum p = 1, sum p x = 0 }, x = V* - tau.
///
/// Its vertices have one or two successors: every state with x = 0, and every pair x_i < 0 < x_j with p_i = x_j/(x_j - x_i).
/// If tau is an end of [min_D V*, max_D V*] (up to the slack), the states of that end are those with x = 0.
class RowPolytope {
 public:
  /// \param x      [n] V* - tau; +inf outside D
  /// \param tie    |x| <= tie counts as x = 0
  /// \param slack  an end missed by no more counts as met
  RowPolytope(std::span<const double> x, double tie = 0.0, double slack = 0.0);

  /// |D| - 2 with states on both sides of tau, one less than the number of states with x = 0 without; -1: empty.
  [[nodiscard]] Offset dimension() const noexcept;
  [[nodiscard]] Offset n_vertices() const noexcept;

  /// Successors `first` and `second` with probabilities `weight` and 1 - weight; first = second: one successor.
  struct Vertex {
    std::size_t first, second;
    double weight;
  };
  /// \param k  0 .. n_vertices() - 1
  [[nodiscard]] Vertex vertex(Offset k) const;

  /// A point drawn uniformly (with respect to volume) from the polytope, which must not be empty.
  ///
  /// The polytope is cut into simplices. With w the vertex of the pair (i, j), the first states left on either side, it is the
  /// union of the pyramids over its facets p_i = 0 and p_j = 0 with apex w (every other facet contains w), whose volumes are as
  /// w_i M(without i) : w_j M(without j), M the volumes of the facets; this is the recursion of B-splines (Micchelli, 1980:
  /// M(x_1..x_n) at 0 is the B-spline with knots x), a sum of positive terms. Walking down it draws a simplex in proportion to its
  /// volume; uniform spacings are the barycentric coordinates of a uniform point in it. Exact but for rounding.
  /// Cost: O(n_- n_+) time and memory, n_- and n_+ the numbers of states on either side of tau.
  void sample(RandomSequence& random, std::span<double> p) const;

 private:
  [[nodiscard]] Vertex pair(std::size_t i, std::size_t j) const;

  std::vector<double> x_;
  std::vector<std::size_t> below_, on_, above_;  // positions with x < 0, = 0, > 0
};

}  // namespace mdp::equivalence
