#include "cli/verification.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/watch.hpp"
#include "libmdp/bounds.hpp"

namespace mdp::cli {

Verified verify(const Mdp& world, const solvers::SolveResult& solved_world, const Construction& construction,
                const solvers::SolveOptions& options, const CommonFlags& common) {
  const double told = bounds::value_error(construction.tails, construction.model->exact_discount());
  Verified verified{construction.status, construction.message, {}, bounds::round_up(construction.q_error_bound + told)};
  if (!solved_world.converged()) {
    verified.status = solved_world.status;
    verified.message = "the world: " + solved_world.message;
  }
  const bool comparable = construction.scope == equivalence::Scope::all_pairs && construction.model->discount() < 1;
  if (!comparable || solved_world.level != Level::certified) return verified;
  Watch watch("solve model", common, expected_half_width(*construction.model, options));
  const auto solved =
      equivalence::verify(world, solved_world, *construction.model, watch.on(options), construction.shift);
  const bounds::Interval distance = solved.distance.norm;
  verified.q_distance = distance;
  if (!(construction.q_error_bound <= distance.upper)) verified.q_error_bound = bounds::round_up(distance.upper + told);
  if (verified.status != Status::converged) return verified;
  if (solved.status != Status::converged) {
    verified.status = solved.status;
    verified.message = "the model: " + solved.message;
  } else if (distance.lower > construction.q_error_bound) {
    verified.status = Status::refused;
    verified.message =
        fmt::format("solving the model contradicts the construction: its Q* is {} away", number_text(distance.lower));
  }
  return verified;
}

Result Verified::head(Level level, equivalence::Scope scope, const Mdp& model) const {
  Result result;
  result.set("status", to_string(status));
  result.set("message", message);
  result.set("level", to_string(level));
  result.set("scope", equivalence::to_string(scope));
  result.set("criterion", "discounted");
  result.set("objective", objective_word(model.objective()));
  result.set("discount", model.discount());
  return result;
}

void Verified::add_to(Result& result) const {
  result.set("q_error_bound", q_error_bound);
  if (!q_distance) return;
  Result distance;
  distance.set("lower", q_distance->lower);
  distance.set("upper", q_distance->upper);
  result.set("q_distance", std::move(distance));
}

void Verified::add_to(Facts& facts) const {
  if (std::isnan(q_error_bound)) return;  // a model of discount 1 has none
  facts.add("Q* of the model", fmt::format("within {} of the world's{}", bound_text(q_error_bound),
                                           q_distance ? ", confirmed by solving the model" : ""));
}

double half_span(const solvers::SolveResult& solved) {
  double least = infinity;
  double largest = -infinity;
  for (std::size_t s = 0; s < solved.values.size(); ++s) {
    if (solved.value_lower.empty() || !(solved.value_upper[s] < infinity)) continue;
    least = std::min(least, solved.value_lower[s]);
    largest = std::max(largest, solved.value_upper[s]);
  }
  return least <= largest ? bounds::round_up(0.5 * bounds::round_up(largest - least)) : 0.0;
}

double largest_absolute(const bounds::Interval& interval) {
  return std::max(std::abs(interval.lower), std::abs(interval.upper));
}

void add_model_output(Command& command, std::string& path) {
  command.parser()
      .add_option("--output,--output-model", path, "Write the model to FILE (.json, .npz, .umb, .tra or .drn)")
      ->type_name("FILE");
}

}  // namespace mdp::cli
