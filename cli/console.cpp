#include "cli/console.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "libmdp/error.hpp"

namespace mdp::cli {
namespace {

// 0, or errno of the first failure.
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void print(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  if (error != 0 && error != EPIPE) {
    throw OutputError(std::string("cannot write to standard output: ") + std::strerror(error));
  }
}

void complain(std::string_view kind, std::string_view message) {
  std::string text = "mdp: ";
  text.append(kind).append(": ").append(message).append("\n");
  write_all(STDERR_FILENO, text);
}

bool stderr_is_terminal() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0;
}

void print_progress(std::string_view text) { write_all(STDERR_FILENO, text); }

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace mdp::cli
