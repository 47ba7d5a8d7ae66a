#include "cli/study/equivalence_study.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "equivalence/candidate.hpp"
#include "equivalence/levels.hpp"
#include "estimators/simulator.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli::study {
namespace {

FitRequest read_fit(TomlSection& section) {
  FitRequest request;
  request.method = section.word("method", fit_methods());
  for (const char* needs_files : {"aggregated", "shared-rows", "mean"}) {
    if (request.method == needs_files) section.fail("method", "needs files: take it with `mdp fit`");
  }
  request.options.smoothing = section.number("smoothing", true, 0.0);
  const std::string support = section.word("support", {"observed", "world", "all"}, "observed");
  request.options.support = support == "all"     ? equivalence::FitSupport::all_states
                            : support == "world" ? equivalence::FitSupport::world
                                                 : equivalence::FitSupport::observed;
  request.k = section.integer("k", 1, 2);
  request.rows = section.word("rows", {"deterministic", "support"}, "deterministic") == "support"
                     ? equivalence::ValueAwareRows::support
                     : equivalence::ValueAwareRows::deterministic;
  request.iterations = section.integer("iterations", 1, 1000);
  request.budget = section.number("budget", true, 0.0);
  return request;
}

std::string level_text(const equivalence::LevelsResult& found, double tolerance) {
  using equivalence::EquivalenceLevel;
  using equivalence::Verdict;
  for (const auto level : {EquivalenceLevel::same_mdp, EquivalenceLevel::every_policy, EquivalenceLevel::same_q,
                           EquivalenceLevel::same_advantage, EquivalenceLevel::same_optimal_sets,
                           EquivalenceLevel::every_optimal_policy}) {
    const Verdict holds = found[level].holds;
    const bool is_number = level == EquivalenceLevel::same_q || level == EquivalenceLevel::same_advantage;
    if (is_number && holds != Verdict::yes && found[level].number.upper <= tolerance) {
      return std::string(equivalence::to_string(level)) + "~";
    }
    if (holds == Verdict::no) continue;
    return std::string(equivalence::to_string(level)) + (holds == Verdict::undecided ? "?" : "");
  }
  return "none";
}

/// One world: its values, and the fits to every data set.
class WorldStudy {
 public:
  WorldStudy(const NamedWorld& world, const EquivalenceConfig& config, std::uint64_t seed, int threads)
      : name_(world.name), config_(config), seed_(seed), world_(make_world(world.config, threads)) {
    options_.tolerance = config.tolerance;
    options_.threads = threads;
    solved_ = solvers::solve(world_, options_);
  }

  void run(std::int64_t samples_per_row, std::vector<FitRow>& rows) const {
    const TransitionCounts counts =
        count_transitions(world_, estimators::sample_transitions(world_, samples_per_row, seed_, options_.threads));
    const double n = counts.total();
    const double best = equivalence::log_likelihood(equivalence::fit_maximum_likelihood(world_, counts), counts) / n;
    for (std::size_t i = 0; i < config_.fits.size(); ++i) {
      FitRequest request = config_.fits[i];
      request.threads = options_.threads;
      const FittedModel fitted = fit_by(request, world_, solved_, counts);
      const auto levels = equivalence::check_levels(world_, solved_, fitted.model, {options_, 2});
      FitRow row;
      row.world = name_;
      row.fit = config_.fit_names[i];
      row.samples_per_row = samples_per_row;
      row.log_likelihood = equivalence::log_likelihood(fitted.model, counts) / n;
      row.likelihood_price = best - row.log_likelihood;
      row.epsilon = levels.candidate.defect.epsilon;
      row.regret = levels.candidate.max_regret;
      row.initial_regret = levels.candidate.initial_regret;
      row.level = level_text(levels, 10.0 * config_.tolerance);
      row.status = !solved_.converged()                           ? solved_.status
                   : levels.candidate.status != Status::converged ? levels.candidate.status
                                                                  : fitted.status;
      rows.push_back(std::move(row));
    }
  }

 private:
  std::string name_;
  const EquivalenceConfig& config_;
  std::uint64_t seed_;
  Mdp world_;
  solvers::SolveOptions options_;
  solvers::SolveResult solved_;
};

QuadraticRow quadratic_row(const EquivalenceConfig& config, std::int64_t steps, int threads) {
  generate::LinearQuadraticOptions options = config.lq;
  options.steps = steps;
  const Mdp world = generate::linear_quadratic(options);
  options.mean_only = true;
  const Mdp model = generate::linear_quadratic(options);
  solvers::SolveOptions solve;
  solve.tolerance = config.tolerance;
  solve.threads = threads;
  const auto solved = solvers::solve(world, solve);
  const auto candidate = equivalence::assess_candidate(world, solved, model, {solve});

  // The rows that stay in the inner half: what clipping does dies out on the way there.
  QuadraticRow row;
  row.steps = steps;
  row.n_states = world.n_states();
  const State inner = world.n_states() / 4;
  double low = infinity, high = -infinity;
  const State last = world.n_states() - 1 - inner;
  for (State s = inner; s <= last; ++s) {
    const Offset first = world.state_rows()[static_cast<std::size_t>(s)];
    for (Offset r = first; r < first + world.n_actions(s); ++r) {
      const auto begin = static_cast<std::size_t>(world.row_begin()[static_cast<std::size_t>(r)]);
      const auto end = static_cast<std::size_t>(world.row_begin()[static_cast<std::size_t>(r) + 1]);
      if (world.next_state()[begin] < inner || world.next_state()[end - 1] > last) continue;
      low = std::min(low, candidate.defect.delta[static_cast<std::size_t>(r)]);
      high = std::max(high, candidate.defect.delta[static_cast<std::size_t>(r)]);
    }
    row.regret = std::max(row.regret, candidate.regret_upper[static_cast<std::size_t>(s)]);
  }
  const double complement = world.exact_discount().complement.hi;
  row.shift = 0.5 * (low + high) / complement;
  row.span = (high - low) / complement;
  row.shift_theory = -world.discount() * generate::riccati_root(options) * options.noise * options.noise / complement;
  return row;
}

}  // namespace

EquivalenceConfig read_equivalence_config(StudyFile& file) {
  TomlSection& top = file.top;
  EquivalenceConfig config;
  for (TomlSection& section : top.sections("world")) {
    const std::string name = section.text("name");
    for (const NamedWorld& other : config.worlds) {
      if (other.name == name) section.fail("name", "is taken by another world");
    }
    config.worlds.push_back({name, read_world(section, file.seed, file.folder)});
  }
  if (config.worlds.empty()) top.fail("world", "is missing: the study needs at least one [[world]]");
  config.samples_per_row = top.integers("samples_per_row", {});
  if (config.samples_per_row.empty()) top.fail("samples_per_row", "is missing (a list of integers)");
  for (const std::int64_t n : config.samples_per_row) {
    if (n < 1) top.fail("samples_per_row", "must hold integers >= 1");
  }
  for (TomlSection& section : top.sections("fit")) {
    config.fit_names.push_back(section.text("name"));
    config.fits.push_back(read_fit(section));
    section.finish();
  }
  if (config.fits.empty()) top.fail("fit", "is missing: the study needs at least one [[fit]]");
  config.tolerance = top.number("tolerance", true, 1e-9);
  TomlSection lq = top.section("linear_quadratic");
  config.lq_steps = lq.integers("steps", {});
  config.lq.extent = lq.number("extent", false, config.lq.extent);
  config.lq.reach = lq.number("reach", false, config.lq.reach);
  config.lq.noise = lq.number("noise", true, config.lq.noise);
  config.lq.control_cost = lq.number("control_cost", true, config.lq.control_cost);
  if (const auto discount = lq.discount("discount")) config.lq.discount = *discount;
  if (!(config.lq.discount.value.hi < 1.0)) lq.fail("discount", "must be below 1");
  for (const std::int64_t steps : config.lq_steps) {
    generate::LinearQuadraticOptions options = config.lq;
    options.steps = steps;
    if (const std::string broken = options.check(); !broken.empty()) lq.fail("steps", broken);
  }
  lq.finish();
  top.finish();
  return config;
}

EquivalenceStudy run_equivalence_study(const EquivalenceConfig& config, std::uint64_t seed,
                                       const StudyContext& context) {
  EquivalenceStudy study;
  for (const NamedWorld& world : config.worlds) {
    context.step("world " + world.name);
    const WorldStudy one(world, config, seed, context.threads);
    for (const std::int64_t n : config.samples_per_row) {
      context.step(fmt::format("world {}, {} samples a pair", world.name, n));
      one.run(n, study.fits);
    }
  }
  for (const std::int64_t steps : config.lq_steps) {
    context.step(fmt::format("linear-quadratic, {} steps", steps));
    study.quadratic.push_back(quadratic_row(config, steps, context.threads));
  }
  return study;
}

}  // namespace mdp::cli::study
