// The kinds of `mdp generate` that are processes with a meaning: chains, queues, machines, a pendulum, an epidemic.
#include <algorithm>

#include "cli/commands/generate_kind.hpp"
#include "cli/usage.hpp"
#include "libmdp/generate/chain.hpp"
#include "libmdp/generate/epidemic.hpp"
#include "libmdp/generate/linear_quadratic.hpp"
#include "libmdp/generate/pendulum.hpp"
#include "libmdp/generate/queue.hpp"
#include "libmdp/generate/replacement.hpp"

namespace mdp::cli {
namespace {

void add_chain(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind = start_kind(generate, kinds, "chain", "Long line to a goal: walk, run and leap at random costs");
  const auto options = std::make_shared<generate::ChainOptions>();
  add_shown(kind.parser, "--states", options->states, "Number of states");
  add_seed(kind.parser, options->seed);
  finish_kind(kind, options, [options, line = kind.line] { return deliver(*line, generate::chain(*options)); });
}

void add_haddad_monmege(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "haddad-monmege", "Two branches that fall back to the start: values 2^N");
  const auto options = std::make_shared<generate::HaddadMonmegeOptions>();
  add_shown(kind.parser, "--length", options->length, "States of each branch");
  add_shown(kind.parser, "--advance", options->advance, "Probability of not falling back", "P");
  add_shown(kind.parser, "--first-branch", options->first_branch, "Probability of the first branch", "P");
  finish_kind(kind, options,
              [options, line = kind.line] { return deliver(*line, generate::haddad_monmege(*options)); });
}

/// Service rates as two lists of the line.
struct Rates {
  std::vector<double> probability, cost;
};

void add_queue(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "queue", "Admission, routing and service-rate control of parallel queues");
  const auto options = std::make_shared<generate::QueueOptions>();
  const auto rates = std::make_shared<Rates>();
  for (const generate::ServiceRate& rate : options->rates) {
    rates->probability.push_back(rate.probability);
    rates->cost.push_back(rate.cost);
  }
  add_shown(kind.parser, "--queues", options->queues, "Parallel queues with a server each");
  add_shown(kind.parser, "--capacity", options->capacity, "Customers per queue; (capacity+1)^queues states");
  add_shown(kind.parser, "--arrival", options->arrival, "Probability of an arrival in a period", "P");
  add_shown(kind.parser, "--service", rates->probability, "Completion probabilities of a server", "P,...")
      ->delimiter(',');
  add_shown(kind.parser, "--service-cost", rates->cost, "Their costs per busy server", "C,...")->delimiter(',');
  add_shown(kind.parser, "--holding-cost", options->holding_cost, "Per customer and period", "C");
  add_shown(kind.parser, "--reject-cost", options->reject_cost, "Per customer turned away", "C");
  finish_kind(kind, options, [options, rates, line = kind.line] {
    if (rates->probability.size() != rates->cost.size()) {
      throw UsageError("--service and --service-cost need the same number of entries");
    }
    options->rates.clear();
    for (std::size_t k = 0; k < rates->cost.size(); ++k) {
      options->rates.push_back({rates->probability[k], rates->cost[k]});
    }
    return deliver(*line, generate::queue(*options));
  });
}

void add_replacement(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "replacement", "Machines that wear out; replace at most one per period");
  const auto options = std::make_shared<generate::ReplacementOptions>();
  add_shown(kind.parser, "--machines", options->machines, "Number of machines; levels^machines states");
  add_shown(kind.parser, "--levels", options->levels, "Levels of wear, the last is broken");
  add_shown(kind.parser, "--max-wear", options->max_wear, "Most levels lost in a period, Binomial(N, 1/2)");
  add_shown(kind.parser, "--operating-cost", options->operating_cost, "Times wear^2", "C");
  add_shown(kind.parser, "--replacement-cost", options->replacement_cost, "Per replacement", "C");
  add_shown(kind.parser, "--breakdown-cost", options->breakdown_cost, "Per broken machine and period", "C");
  finish_kind(kind, options, [options, line = kind.line] { return deliver(*line, generate::replacement(*options)); });
}

void add_pendulum(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "pendulum", "Swing up a pendulum on a grid, with interpolation weights");
  const auto options = std::make_shared<generate::PendulumOptions>();
  add_shown(kind.parser, "--angles", options->angles, "Grid points on the circle");
  add_shown(kind.parser, "--velocities", options->velocities, "Grid points of the angular velocity");
  add_shown(kind.parser, "--torques", options->torques, "Actions");
  add_shown(kind.parser, "--time-step", options->time_step, "Seconds per step", "T");
  add_shown(kind.parser, "--max-velocity", options->max_velocity, "Radians per second", "V");
  add_shown(kind.parser, "--max-torque", options->max_torque, "Newton metres", "U");
  finish_kind(kind, options, [options, line = kind.line] { return deliver(*line, generate::pendulum(*options)); });
}

void add_epidemic(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind =
      start_kind(generate, kinds, "epidemic", "Susceptible, infectious, immune; interventions cut contacts");
  const auto options = std::make_shared<generate::EpidemicOptions>();
  add_shown(kind.parser, "--population", options->population, "People; (N+1)(N+2)/2 states");
  add_shown(kind.parser, "--contact", options->contact, "Infections caused per period at first", "P");
  add_shown(kind.parser, "--recovery", options->recovery, "Probability of recovering in a period", "P");
  add_shown(kind.parser, "--interventions", options->interventions, "Factors on contact, one action each", "F,...")
      ->delimiter(',');
  add_shown(kind.parser, "--infection-cost", options->infection_cost, "Per infectious person and period", "C");
  add_shown(kind.parser, "--intervention-cost", options->intervention_cost, "Times (1 - factor) people", "C");
  finish_kind(kind, options, [options, line = kind.line] { return deliver(*line, generate::epidemic(*options)); });
}

void add_linear_quadratic(CLI::App& generate, std::deque<Command>& kinds) {
  const Kind kind = start_kind(generate, kinds, "linear-quadratic", "x' = x + u + w with quadratic cost, on a grid");
  const auto options = std::make_shared<generate::LinearQuadraticOptions>();
  add_shown(kind.parser, "--steps", options->steps, "Grid points per unit of length");
  add_shown(kind.parser, "--extent", options->extent, "States from -X to X", "X");
  add_shown(kind.parser, "--reach", options->reach, "Controls from -U to U", "U");
  add_shown(kind.parser, "--noise", options->noise, "The noise is +-W, equally likely", "W");
  add_shown(kind.parser, "--control-cost", options->control_cost, "r in x^2 + r u^2", "R");
  kind.parser.add_flag("--mean-only", options->mean_only, "The mean model: without the noise");
  finish_kind(kind, options,
              [options, line = kind.line] { return deliver(*line, generate::linear_quadratic(*options)); });
}

}  // namespace

void add_process_kinds(CLI::App& generate, std::deque<Command>& kinds) {
  add_chain(generate, kinds);
  add_haddad_monmege(generate, kinds);
  add_queue(generate, kinds);
  add_replacement(generate, kinds);
  add_pendulum(generate, kinds);
  add_linear_quadratic(generate, kinds);
  add_epidemic(generate, kinds);
}

}  // namespace mdp::cli
