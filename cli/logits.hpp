// cli/logits.hpp — policies given by logits.
#pragma once

#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli {

/// [n_rows] logits: a JSON array shaped as `q`, or a .npy vector. \throws InputError
[[nodiscard]] std::vector<double> read_logits(const std::string& path, const Mdp& mdp);

/// pi(a|s) proportional to exp(logit(s, a)).
[[nodiscard]] StochasticPolicy softmax(const Mdp& mdp, const std::vector<double>& logits);

}  // namespace mdp::cli
