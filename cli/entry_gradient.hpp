// cli/entry_gradient.hpp — derivatives with respect to the entries of a file, as results and as tables.
#pragma once

#include <string>

#include "cli/result.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/derivative.hpp"

namespace mdp::cli {

/// Which parts of a gradient are asked for.
struct WithRespectTo {
  bool cost = true;
  bool probability = true;
  bool discount = true;
};

/// Proved error of every entry of a part.
struct EntryErrors {
  double cost = not_computed;
  double probability = not_computed;
  double discount = not_computed;
};

/// Adds d_cost (shaped as q), d_probability [[s, a, s', g], …], d_discount and their _error_bound keys.
/// \param gradient  in the file's sense
void add_gradient_to(Result& result, const Mdp& mdp, const solvers::EntryGradient& gradient, const EntryErrors& errors,
                     const WithRespectTo& parts);

/// The largest entries of each part.
[[nodiscard]] std::string gradient_tables(const Mdp& mdp, const solvers::EntryGradient& gradient,
                                          const EntryErrors& errors, const WithRespectTo& parts);

/// [[s, a, s', x], …] for a number per stored transition, rows in order.
[[nodiscard]] Result::Entries per_transition(const Mdp& mdp, std::span<const double> numbers);

}  // namespace mdp::cli
