#include "libmdp/error.hpp"

#include <utility>

namespace mdp {
namespace {

std::string join(const std::vector<std::string>& problems, std::int64_t n_problems) {
  std::string text;
  for (const auto& problem : problems) text += (text.empty() ? "" : "\n") + problem;
  const auto rest = n_problems - static_cast<std::int64_t>(problems.size());
  if (rest > 0) text += "\n… and " + std::to_string(rest) + " more problems";
  return text;
}

}  // namespace

InvalidModel::InvalidModel(std::vector<std::string> problems, std::int64_t n_problems)
    : Error(join(problems, n_problems)), problems_(std::move(problems)), n_problems_(n_problems) {}

InputError::InputError(const std::string& file, const std::string& place, const std::string& what)
    : Error(file + ": " + (place.empty() ? "" : place + ": ") + what), file_(file), place_(place) {}

}  // namespace mdp
