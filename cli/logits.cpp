#include "cli/logits.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/npy.hpp"

namespace mdp::cli {
namespace {

std::vector<double> from_json(const std::string& path, const Mdp& mdp) {
  const io::FileBytes bytes(path);
  nlohmann::json document;
  try {
    document = nlohmann::json::parse(io::as_text(bytes.bytes()));
  } catch (const nlohmann::json::exception& error) {
    throw InputError(path, "", error.what());
  }
  if (!document.is_array() || document.size() != static_cast<std::size_t>(mdp.n_states())) {
    throw InputError(path, "", fmt::format("must be an array with one array per state, {} of them", mdp.n_states()));
  }
  std::vector<double> logits;
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto& state = document[static_cast<std::size_t>(s)];
    if (!state.is_array() || state.size() != static_cast<std::size_t>(mdp.n_actions(s))) {
      throw InputError(path, fmt::format("[{}]", s), fmt::format("must be an array of {} logits", mdp.n_actions(s)));
    }
    for (std::size_t a = 0; a < state.size(); ++a) {
      if (!state[a].is_number()) throw InputError(path, fmt::format("[{}][{}]", s, a), "must be a number");
      logits.push_back(state[a].get<double>());
    }
  }
  return logits;
}

}  // namespace

std::vector<double> read_logits(const std::string& path, const Mdp& mdp) {
  std::vector<double> logits = path.ends_with(".npy") ? io::read_npy(path) : from_json(path, mdp);
  if (static_cast<Offset>(logits.size()) != mdp.n_rows()) {
    throw InputError(path, "",
                     fmt::format("has {} logits, the model has {} state-action pairs", logits.size(), mdp.n_rows()));
  }
  const auto bad = std::ranges::find_if_not(logits, [](double x) { return std::isfinite(x); });
  if (bad != logits.end()) throw InputError(path, fmt::format("[{}]", bad - logits.begin()), "a logit must be finite");
  return logits;
}

StochasticPolicy softmax(const Mdp& mdp, const std::vector<double>& logits) {
  StochasticPolicy policy(logits.size());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]);
    const auto last = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s) + 1]);
    const double top = *std::max_element(logits.begin() + static_cast<std::ptrdiff_t>(first),
                                         logits.begin() + static_cast<std::ptrdiff_t>(last));
    double sum = 0.0;
    for (std::size_t row = first; row < last; ++row) sum += policy[row] = std::exp(logits[row] - top);
    for (std::size_t row = first; row < last; ++row) policy[row] /= sum;
  }
  return policy;
}

}  // namespace mdp::cli
