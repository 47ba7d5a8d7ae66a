// cli/console.hpp — standard output and standard error.
#pragma once

#include <string>
#include <string_view>

namespace mdp::cli {

/// Writes text to standard output. A reader that went away (`mdp … | head`) is not an error: the rest is
/// dropped. \throws OutputError if the output cannot be written for another reason (a full disk).
void print(std::string_view text);

/// One line on standard error, "mdp: …".
void complain(std::string_view kind, std::string_view message);

/// Whether standard error is a terminal that understands line control.
[[nodiscard]] bool stderr_is_terminal();

/// Writes to standard error without a newline (progress).
void print_progress(std::string_view text);

/// A closed pipe makes write() fail instead of killing the process. Called once by main().
void ignore_broken_pipes();

}  // namespace mdp::cli
