// cli/usage.hpp — what is wrong with a command line, and what was probably meant.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mdp::cli {

/// The command line asks for something that does not exist or does not fit together: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The candidate nearest to a misspelt word (Damerau–Levenshtein, at most a third of its letters wrong, or one).
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean X?" or "".
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string> candidates);

/// A UsageError for a value that is not among those an option takes.
[[nodiscard]] UsageError unknown_value(std::string_view option, std::string_view value,
                                       std::span<const std::string> allowed);

}  // namespace mdp::cli
