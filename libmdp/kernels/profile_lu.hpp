// libmdp/kernels/profile_lu.hpp — elimination of I - discount M within the profile of its rows.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "libmdp/buffer.hpp"
#include "libmdp/kernels/system.hpp"

namespace mdp::kernels {

/// LU factors of A = I - discount M, M stochastic, for states in an order in which transitions are short: row i is stored
/// from its first entry to the last column that elimination can fill, zeros included, so that all loops run over
/// consecutive numbers. For a narrow M that is faster than sparse elimination, and needs no analysis but this profile.
///
/// Elimination goes from both ends of the order towards a few states in the middle that separate them, at the same time on
/// two threads; the split depends on M alone. It subtracts nothing (Grassmann, Taksar and Heyman 1985; O'Cinneide 1993): with
/// row sums s of A, all >= 0, pivot = s' + sum of the entries right of it, s' = s + sum l s'. So the pivots have nearly all
/// digits however near 1 the discount is. Source: Jennings (1966), profiles; Babuska (1972), from both ends.
class ProfileLu {
 public:
  /// \param order  a permutation of the states
  explicit ProfileLu(std::vector<State> order);

  /// What a factorisation takes.
  struct Work {
    double flops = 0.0;
    double entries = 0.0;  ///< of the factors, a double each
    [[nodiscard]] double bytes() const noexcept { return 8.0 * entries; }
  };
  /// The profile of M, whatever its values are. O(n + entries of M) time and memory.
  Work plan(const CompressedRows& m, int threads = 0);
  /// Factors of the M last planned. \param row_sum  [n] of A, >= 0; where no state of sum > 0 is reached, pivots are 0
  void factorise(const CompressedRows& m, double discount, std::span<const double> row_sum, int threads = 0);

  /// x <- A^-1 x, and x <- A^-T x. By work space of the object: one call at a time. 16 B per entry of the factors.
  void solve(std::span<double> x, int threads = 0) const;
  void solve_transposed(std::span<double> x, int threads = 0) const;

  [[nodiscard]] std::span<const State> order() const noexcept { return order_; }

 private:
  /// Rows that are eliminated one after another, and the rows of the middle as far as they are reached from there.
  struct Part {
    State size = 0;              // rows eliminated; the columns from there on are the middle's
    State border = 0;            // rows of the middle
    Buffer<State> first;         // [size + border] first column, at most `size` in the middle's rows
    Buffer<State> last;          // [size] last column that can be filled
    Buffer<State> maxima;        // of plan()
    Buffer<Offset> left_begin;   // [size + border + 1]
    Buffer<Offset> right_begin;  // [size + 1]
    Buffer<double> left;         // multipliers
    Buffer<double> right;        // what is left of the row, with the sign of M
    Buffer<double> inverse;      // [size] of the pivots
    Buffer<double> row_sum;      // [size + border] s'; in the middle's rows, what elimination adds
    Buffer<double> complement;   // [border][border] what elimination adds to the middle
    Buffer<double> row;          // the one at work
    mutable Buffer<double> x;    // [size + border]

    void make_room_to_plan(State n);
    void plan(std::span<const State> first_column, std::span<const State> last_column);
    [[nodiscard]] Work work_of(State i) const;
    void cut(State n_eliminated, State n_border);
    void allocate();
    template <class Load>
    void factorise(Load&& load);
  };

  // Positions as numbered from either end, and back.
  [[nodiscard]] State from_end(std::ptrdiff_t e, State i) const noexcept {
    return e == 0 ? i : static_cast<State>(order_.size()) - 1 - i;
  }
  void split(std::span<const State> first, std::span<const State> last);
  void factorise_end(std::ptrdiff_t e, const CompressedRows& m, double discount, std::span<const double> row_sum);
  void factorise_middle(const CompressedRows& m, double discount, std::span<const double> row_sum);
  template <class Down, class Up>
  void solve_parts(std::span<double> x, int threads, Down&& down, Up&& up) const;

  std::vector<State> order_;
  std::vector<State> position_;  // its inverse
  Part ends_[2];                 // the second is numbered from the last state of the order on
  Part middle_;
};

}  // namespace mdp::kernels
