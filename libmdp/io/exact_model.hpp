// libmdp/io/exact_model.hpp — an MDP in rationals, as a text file means it. Internal: needs GMP, is not installed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/read.hpp"
#include "libmdp/types.hpp"

namespace mdp::io {

/// The MDP meant by a text file: decimals and fractions exactly as written, rows divided by
/// their sums, duplicate successors added up (theory.md, section 0, "Semantics of numbers"). States, rows and
/// transitions have the positions that they have in the Mdp of read_mdp().
struct ExactModel {
  struct Row {
    std::vector<std::pair<std::int64_t, mpq_class>> to;  ///< successors ascending, probabilities > 0, sum 1
    mpq_class cost;                                      ///< minimised: a file's reward with the sign turned
    bool inadmissible = false;                           ///< the cost is +infinity; `cost` is 0
    std::string action;                                  ///< "" = unnamed
  };

  std::int64_t n_states = 0;
  std::vector<std::int64_t> state_rows;  ///< [n_states+1] first row of each state
  std::vector<Row> rows;                 ///< goal states without choices have one cost-free self-loop
  mpq_class discount = 1;
  Objective objective = Objective::minimize;
  std::vector<std::string> names;                           ///< [n_states] or empty
  std::vector<std::pair<std::int64_t, mpq_class>> initial;  ///< states ascending, sum 1; empty = uniform
  std::vector<std::int64_t> goal;                           ///< ascending
};

/// Reads a model exactly: a text file (.json, .tra, .drn) as written, of any other format by exact_model_of().
/// \throws InputError as read_mdp().
[[nodiscard]] ExactModel read_exact_model(const std::string& path, const ReadOptions& options = {});

/// What an Mdp in memory means: its entries as the dyadic numbers they are, tails included, rows divided by their exact sums.
/// A row whose input missed 1 by more than rounding was divided by its sum on construction, to 106 bits: those quotients are
/// taken. The discount is the shortest decimal or fraction that gives its two doubles, or the double that it is.
[[nodiscard]] ExactModel exact_model_of(const Mdp& mdp);

/// The Mdp nearest to an exact one: entries to two doubles each. \throws InvalidModel where a probability is below the range
/// of doubles.
[[nodiscard]] Mdp nearest_mdp(const ExactModel& model);

}  // namespace mdp::io
