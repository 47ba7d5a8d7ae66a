// libmdp/io/exact_model.hpp — an MDP in rationals, as a text file means it. Internal: needs GMP, is not installed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gmpxx.h>

#include "libmdp/io/read.hpp"
#include "libmdp/types.hpp"

namespace mdp::io {

/// The MDP meant by a file of the small text format: decimals and fractions exactly as written, rows divided by
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

/// Reads a file of the small text format (.json) exactly.
/// \throws InputError as read_mdp(); dead ends are refused whatever the options say.
[[nodiscard]] ExactModel read_exact_model(const std::string& path, const ReadOptions& options = {});

}  // namespace mdp::io
