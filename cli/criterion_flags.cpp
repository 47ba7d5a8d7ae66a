#include "cli/criterion_flags.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "cli/solve_flags.hpp"
#include "cli/usage.hpp"
#include "libmdp/io/policy_file.hpp"
#include "libmdp/policy.hpp"

namespace mdp::cli {
namespace {

using solvers::Criterion;

const std::array<std::string, 6> criteria = {"discounted", "finite", "total", "goal", "reach", "average"};
const std::array<std::string, 2> impropers = {"infinite", "excluded"};

Criterion implied_by(const Mdp& mdp) {
  if (mdp.discount() < 1) return Criterion::discounted;
  if (!mdp.goal().empty()) return Criterion::goal;
  throw UsageError(
      "the file has neither a discount below 1 nor goal states: say --criterion finite, total, goal, reach or average, "
      "or --discount G with G < 1");
}

}  // namespace

void CriterionFlags::add_to(Command& command, bool all, const std::string& names) {
  CLI::App& parser = command.parser();
  if (!all) {
    parser.add_option(names, criterion_, "discounted")->type_name("NAME");
    return;
  }
  parser.add_option(names, criterion_, "discounted, finite, total, goal, reach or average")->type_name("NAME");
  parser
      .add_option("--improper", improper_, "goal: policies that may miss it pay infinity [infinite], or are excluded")
      ->type_name("NAME");
  parser.add_option("--horizon", horizon_, "finite: number of stages")->type_name("N");
  parser.add_option("--terminal", terminal_, "finite: cost of the last state, a JSON array or .npy [zero]")
      ->type_name("FILE");
}

Criterion CriterionFlags::choose(const Mdp& mdp, const ModelFlags& model) const {
  if (!criterion_.empty() && std::ranges::find(criteria, criterion_) == criteria.end()) {
    throw unknown_value("--criterion", criterion_, criteria);
  }
  if (!improper_.empty() && std::ranges::find(impropers, improper_) == impropers.end()) {
    throw unknown_value("--improper", improper_, impropers);
  }
  const Criterion criterion = criterion_.empty() ? implied_by(mdp) : solvers::criterion_from_string(criterion_);
  const auto belongs = [&](const char* flag, bool given, Criterion to) {
    if (given && criterion != to) throw UsageError(fmt::format("{} belongs to --criterion {}", flag, to_string(to)));
  };
  belongs("--improper", !improper_.empty(), Criterion::goal);
  belongs("--horizon", horizon_.has_value(), Criterion::finite);
  belongs("--terminal", !terminal_.empty(), Criterion::finite);
  if (criterion == Criterion::finite && !horizon_) throw UsageError("--criterion finite needs --horizon N");
  if (criterion == Criterion::discounted && !(mdp.discount() < 1)) {
    throw UsageError("criterion discounted needs a discount below 1, and the file has none: say --discount G");
  }
  if (criterion != Criterion::discounted && criterion != Criterion::finite && model.has_discount()) {
    throw UsageError(
        fmt::format("--discount does not belong to criterion {}, which does not discount", to_string(criterion)));
  }
  return criterion;
}

void CriterionFlags::require_discounted(const Mdp& mdp, const ModelFlags& model) const {
  if (criterion_.empty() && !(mdp.discount() < 1)) {
    throw UsageError(
        "the file has no discount below 1, and this is about the discounted criterion: say --discount G with G < 1");
  }
  const Criterion criterion = choose(mdp, model);
  if (criterion != Criterion::discounted) {
    throw UsageError(fmt::format("--criterion {}: this is about the discounted criterion alone", to_string(criterion)));
  }
}

void CriterionFlags::describe(Result& result, Criterion criterion) const {
  if (criterion == Criterion::goal) result.set("improper", improper_.empty() ? "infinite" : improper_);
  if (horizon_) result.set("horizon", *horizon_);
}

solvers::ExactLevelOptions CriterionFlags::exact_options(solvers::SolveOptions solve) const {
  solvers::ExactLevelOptions options;
  options.criterion.solve = std::move(solve);
  if (improper_ == "excluded") options.criterion.improper = solvers::Improper::excluded;
  if (horizon_) options.criterion.horizon = *horizon_;
  options.terminal_path = terminal_;
  return options;
}

solvers::CriterionOptions CriterionFlags::options(const Mdp& mdp, solvers::SolveOptions solve) const {
  solvers::CriterionOptions options = exact_options(std::move(solve)).criterion;
  if (terminal_.empty()) return options;
  for (const TwoDouble x : io::read_precise_values(terminal_, mdp.n_states())) {
    options.terminal.push_back(x.hi);
    options.terminal_tail.push_back(x.lo);
  }
  options.terminal = in_sense(mdp.objective(), options.terminal);
  options.terminal_tail = in_sense(mdp.objective(), options.terminal_tail);
  return options;
}

std::vector<io::PolicyFile> policies_by_stage(const std::string& path, const Mdp& mdp, solvers::Criterion criterion) {
  if (path.empty() || criterion != solvers::Criterion::finite) return {};
  return io::read_policy_by_stage(path, mdp);
}

std::vector<RandomisedPolicy> randomised(const std::vector<io::PolicyFile>& stages) {
  std::vector<RandomisedPolicy> policies;
  policies.reserve(stages.size());
  for (const io::PolicyFile& stage : stages) policies.push_back(stage.randomised());
  return policies;
}

}  // namespace mdp::cli
