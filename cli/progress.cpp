#include "cli/progress.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/console.hpp"

namespace mdp::cli {
namespace {

using namespace std::chrono_literals;
constexpr auto first_after = 300ms;
constexpr auto every = 100ms;
constexpr int bar_width = 24;

}  // namespace

Progress::Progress(std::string what, bool quiet)
    : what_(std::move(what)), shown_(!quiet && stderr_is_terminal()), next_(Clock::now() + first_after) {}

Progress::~Progress() {
  if (drawn_) print_progress("\r\033[K");
}

bool Progress::due() {
  if (!shown_) return false;
  const auto now = Clock::now();
  if (now < next_) return false;
  next_ = now + every;
  return true;
}

void Progress::draw(double fraction, const std::string& detail) {
  drawn_ = true;
  std::string bar;
  if (fraction >= 0 && fraction <= 1) {
    const int filled = static_cast<int>(fraction * bar_width);
    bar = fmt::format("[{:=<{}}{: <{}}] {:3.0f} %  ", "", filled, "", bar_width - filled, 100 * fraction);
  }
  print_progress(fmt::format("\r\033[K{}  {}{}", what_, bar, detail).substr(0, 200));
}

double log_fraction(double first, double now, double target) {
  if (!(first > target) || !(target > 0) || !(now > 0)) return -1;
  return std::clamp(std::log(first / now) / std::log(first / target), 0.0, 1.0);
}

}  // namespace mdp::cli
