#include "cli/watch.hpp"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/table.hpp"

namespace mdp::cli {

Watch::Watch(std::string what, const CommonFlags& common, double target)
    : progress_(std::move(what), common.quiet), target_(target) {}

double expected_half_width(const Mdp& mdp, const solvers::SolveOptions& options) {
  return solvers::resolve_accuracy(options, mdp.max_abs_cost()).at(mdp.max_abs_cost());
}

bool Watch::observe(const solvers::SweepRecord& record) {
  if (std::isnan(first_) && std::isfinite(record.half_width)) first_ = record.half_width;
  progress_.update(log_fraction(first_, record.half_width, target_), [&] {
    return fmt::format("sweep {}  bound {}  {}", count_text(record.sweep), bound_text(record.half_width),
                       seconds_text(record.seconds));
  });
  return !interrupted();
}

}  // namespace mdp::cli
