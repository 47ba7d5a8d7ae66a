#include "cli/equivalent_model_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "cli/model_flags.hpp"
#include "cli/usage.hpp"
#include "equivalence/fit.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/read.hpp"
#include "libmdp/io/transition_file.hpp"

namespace mdp::cli {
namespace {

using equivalence::Divergence;
using equivalence::SupportRule;

constexpr std::array all_divergences = {Divergence::kl,          Divergence::reverse_kl, Divergence::likelihood,
                                        Divergence::chi2,        Divergence::l2,         Divergence::l1,
                                        Divergence::wasserstein, Divergence::sparsest,   Divergence::deterministic,
                                        Divergence::linear,      Divergence::uniform};
const std::array<std::string, 6> supports = {"world", "reference", "union", "all", "within:D", "mask:FILE"};

int steps_of(const std::string& support) {
  const std::string digits = support.substr(std::string("within:").size());
  int steps = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), steps);
  if (error != std::errc() || end != digits.data() + digits.size() || steps < 0) {
    throw UsageError(fmt::format("--support {}: required a number of steps >= 0 after \"within:\"", support));
  }
  return steps;
}

}  // namespace

void EquivalentModelFlags::add_to(Command& command) {
  CLI::App& parser = command.parser();
  parser
      .add_option("--divergence", divergence_,
                  "What is smallest: kl, reverse-kl, likelihood, chi2, l2, l1, wasserstein, sparsest, deterministic; "
                  "or linear (an extreme model), uniform (a random one)")
      ->type_name("NAME");
  parser
      .add_option("--support", support_,
                  "Successors allowed: world, reference, union, all, within:D steps, mask:FILE (those of a model)")
      ->type_name("RULE");
  parser.add_option("--shift", shift_, "c: the model has Q* + c; auto: the c of the nearest model")
      ->type_name("auto|C");
  parser
      .add_option(
          "--counts", counts_file_,
          "likelihood: observed transitions as mdp fit reads them, .csv, .json or .npz; in place of --reference")
      ->type_name("FILE");
  parser.add_option("--graph", graph_file_, "A model whose transitions say which states are neighbours [the world]")
      ->type_name("FILE");
  parser
      .add_option("--metric", metric_file_, "wasserstein: distances, n_states * n_states numbers [steps in the graph]")
      ->type_name("FILE");
  parser.add_option("--direction", direction_file_, "linear: a number per state, its expectation is smallest")
      ->type_name("FILE");
  parser.add_option("--seed", seed_, "uniform: of the random numbers")->type_name("K");
}

Divergence EquivalentModelFlags::divergence() const {
  for (const Divergence d : all_divergences) {
    if (to_string(d) == divergence_) return d;
  }
  std::vector<std::string> words;
  words.reserve(std::size(all_divergences));
  for (const Divergence d : all_divergences) words.emplace_back(to_string(d));
  throw unknown_value("--divergence", divergence_, words);
}

void EquivalentModelFlags::require_valid() const {
  const Divergence chosen = divergence();
  const auto needs = [&](const char* flag, bool given, Divergence only) {
    if (given && chosen != only) throw UsageError(fmt::format("{} belongs to --divergence {}", flag, to_string(only)));
  };
  needs("--counts", !counts_file_.empty(), Divergence::likelihood);
  needs("--metric", !metric_file_.empty(), Divergence::wasserstein);
  needs("--direction", !direction_file_.empty(), Divergence::linear);
  needs("--seed", seed_.has_value(), Divergence::uniform);
  const bool reads_graph = chosen == Divergence::wasserstein || chosen == Divergence::deterministic;
  if (!graph_file_.empty() && !(reads_graph && metric_file_.empty()) && !support_.starts_with("within:")) {
    throw UsageError("--graph belongs to --divergence wasserstein or deterministic and to --support within:D");
  }
  if (chosen == Divergence::linear && direction_file_.empty()) {
    throw UsageError("--divergence linear needs --direction FILE");
  }
  if (shift_ != "auto") {
    static_cast<void>(parse_number("--shift", shift_));
  } else if (chosen == Divergence::uniform) {
    throw UsageError("--shift auto: uniform draws a row at random, no shift is nearer than another: give the shift");
  }
  if (support_.starts_with("within:")) {
    static_cast<void>(steps_of(support_));
  } else if (!support_.starts_with("mask:") && std::ranges::find(supports, support_) == supports.end()) {
    throw unknown_value("--support", support_, supports);
  }
}

bool EquivalentModelFlags::is_default() const {
  return divergence_ == "kl" && support_ == "reference" && shift_ == "0" && graph_file_.empty();
}

void EquivalentModelFlags::require_fit_for_actions() const {
  const Divergence chosen = divergence();
  if (chosen != Divergence::kl && chosen != Divergence::l2) {
    throw UsageError(fmt::format("--keep actions takes --divergence kl or l2, not {}", divergence_));
  }
  if (shift_ != "0") throw UsageError("--keep actions takes no --shift: it finds its own potential (T8)");
  if (!graph_file_.empty()) throw UsageError("--keep actions takes no --graph: it uses the world's");
}

Mdp EquivalentModelFlags::reference(const PairFlags& pair, const Mdp& world, const CommonFlags& common) {
  if (counts_file_.empty()) return pair.model(world, common);
  if (pair.names_model()) throw UsageError("--counts stands in place of --reference: its rows are the frequencies");
  counts_ = count_transitions(world, io::read_transitions(counts_file_, world));
  row_counts_.resize(static_cast<std::size_t>(world.n_rows()));
  for (std::size_t row = 0; row < row_counts_.size(); ++row) row_counts_[row] = counts_.total(static_cast<Offset>(row));
  return pair.discounted_as_asked(
      equivalence::fit_maximum_likelihood(world, counts_, {.unseen = equivalence::UnseenPair::world}));
}

equivalence::Support EquivalentModelFlags::support(const PairFlags& pair, const Mdp& world,
                                                   const CommonFlags& common) const {
  if (support_.starts_with("within:")) return {SupportRule::within, steps_of(support_), {}};
  if (support_.starts_with("mask:")) {
    const Mdp mask = pair.read(support_.substr(std::string("mask:").size()), common);
    equivalence::require_same_shape(world, mask, "mask");
    return {SupportRule::mask, 0, mask};
  }
  const SupportRule rule = support_ == "world"   ? SupportRule::world
                           : support_ == "union" ? SupportRule::world_reference
                           : support_ == "all"   ? SupportRule::all
                                                 : SupportRule::reference;
  return {rule, 0, {}};
}

equivalence::Metric EquivalentModelFlags::metric(const Mdp& world) {
  const auto n = static_cast<std::size_t>(world.n_states());
  distances_ = io::read_values(metric_file_, static_cast<std::int64_t>(n) * world.n_states());
  for (std::size_t i = 0; i < distances_.size(); ++i) {
    const double back = distances_[i % n * n + i / n];
    const std::string place = fmt::format("distance from state {} to state {}", i / n, i % n);
    if (!(distances_[i] >= 0.0 && distances_[i] < infinity))
      throw InputError(metric_file_, place, fmt::format("{}, required finite and >= 0", distances_[i]));
    if (i / n == i % n && distances_[i] != 0.0)
      throw InputError(metric_file_, place, fmt::format("{}, required 0", distances_[i]));
    if (distances_[i] != back) {
      throw InputError(metric_file_, place,
                       fmt::format("{}, required {}, the distance from state {} to state {}: a metric is symmetric",
                                   distances_[i], back, i % n, i / n));
    }
  }
  return [this, n](State from, State to) {
    return distances_[static_cast<std::size_t>(from) * n + static_cast<std::size_t>(to)];
  };
}

equivalence::EquivalentModelOptions EquivalentModelFlags::options(const PairFlags& pair, const Mdp& world,
                                                                  const CommonFlags& common) {
  const double sign = world.objective() == Objective::maximize ? -1.0 : 1.0;
  equivalence::EquivalentModelOptions options;
  options.divergence = divergence();
  options.support = support(pair, world, common);
  options.shift = shift_ == "auto" ? std::optional<double>() : sign * parse_number("--shift", shift_).hi;
  options.threads = common.threads;
  options.seed = seed_.value_or(options.seed);
  options.counts = row_counts_;
  if (!graph_file_.empty()) {
    const Mdp relation = pair.read(graph_file_, common);
    graph_ = graph::neighbour_graph(relation);
    options.graph = &*graph_;
  }
  if (!metric_file_.empty()) options.metric = metric(world);
  if (!direction_file_.empty()) {
    direction_ = io::read_values(direction_file_, world.n_states());
    options.direction = direction_;
  }
  return options;
}

}  // namespace mdp::cli
