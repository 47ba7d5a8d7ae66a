// libmdp/kernels/linearised.hpp — passes over the transitions for derivatives of Q = L + gamma P V (theory.md, D1).
#pragma once

#include <span>

#include "libmdp/kernels/parallel.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::kernels {

/// A direction on the raw entries. `normalised`: rows are divided by their sum afterwards, so that dp stands for
/// dp - p sum dp.
struct EntryChange {
  std::span<const double> cost;         ///< [n_rows]
  std::span<const double> probability;  ///< [n_transitions]
  double discount = 0.0;
  bool normalised = false;
};

/// Largest over the rows that have a derivative; for rounding bounds.
struct ChangeSize {
  double magnitude = 0.0;    ///< |dL| + gamma sum |dp| |V| + |dgamma| sum p |V|
  double probability = 0.0;  ///< sum |dp|
};

/// source(row) = dL + gamma sum dp V + dgamma sum p V, the explicit part of dQ. NaN where the row's cost is infinite
/// or it leads to infinite V. `v` and `source` [n_states], [n_rows]. Traffic: 20 B per transition, 16 B per row.
ChangeSize entry_sources(const Mdp& mdp, std::span<const double> v, const EntryChange& change, std::span<double> source,
                         int threads = 0);

/// q(row) = source(row) + gamma sum p dv. May overwrite source.
void add_expectation(const Mdp& mdp, std::span<const double> source, std::span<const double> dv, std::span<double> q,
                     int threads = 0);

/// y(s) = sum over the rows of s of weight * x; rows of weight 0 do not count, whatever x.
void average_rows(const Mdp& mdp, std::span<const double> weight, std::span<const double> x, std::span<double> y,
                  int threads = 0);

/// y = P^T x over all rows: y(s') = sum over rows of x(row) p(s'|row), [n_states]; rows with x = 0 do not count.
/// Serial, one order of summation, compensated: the error is at most 2u |y| + rounding(2m)^2 P^T |x|, m = n_transitions
/// (Ogita, Rump, Oishi, 2005, Dot2).
void transpose_rows(const Mdp& mdp, std::span<const double> x, std::span<double> y);
/// The same with `entries` [n_transitions] in place of the probabilities.
void transpose_entries(const Mdp& mdp, std::span<const double> entries, std::span<const double> x, std::span<double> y);

/// y(row) = sum entries v over the successors of the row, [n_rows]; `entries` [n_transitions].
void expect_entries(const Mdp& mdp, std::span<const double> entries, std::span<const double> v, std::span<double> y,
                    int threads = 0);

/// entries[k] += weight(row) v(s') over the transitions of every row.
void add_row_products(const Mdp& mdp, std::span<const double> weight, std::span<const double> v,
                      std::span<double> entries, int threads = 0);

/// The derivative of sum over rows of weight (L + gamma P v) at fixed v with respect to probabilities and discount:
/// probability[k] = gamma weight(row) (v(s') - centre), centre = E v if `normalised`, else 0; returns
/// sum weight E v, compensated. Rows of weight 0 give 0, whatever v. `probability` [n_transitions], or empty: not written.
double entry_gradient(const Mdp& mdp, std::span<const double> weight, std::span<const double> v, bool normalised,
                      std::span<double> probability, int threads = 0);

}  // namespace mdp::kernels
