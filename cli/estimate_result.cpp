#include "cli/estimate_result.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "cli/present.hpp"
#include "cli/table.hpp"
#include "cli/value_tables.hpp"

namespace mdp::cli {
namespace {

using estimators::Judgement;
using estimators::Parameter;
using estimators::ParameterKind;
using estimators::Targets;

double sense_of(Objective objective, const Parameter& p) {
  return objective == Objective::maximize && p.kind == ParameterKind::cost ? -1.0 : 1.0;
}

/// A gradient is a flat array, a Hessian an array of rows.
void set_derivative(Result& result, const std::string& key, const Targets& targets, std::vector<double> x) {
  if (targets.columns.empty()) {
    result.set(key, std::move(x));
    return;
  }
  std::vector<std::vector<double>> rows;
  const auto width = static_cast<std::ptrdiff_t>(targets.columns.size());
  for (auto from = x.begin(); from != x.end(); from += width) rows.emplace_back(from, from + width);
  result.set(key, std::move(rows));
}

Result::Entries entries_of(const Mdp& mdp, const std::vector<Parameter>& parameters, ParameterKind kind) {
  Result::Entries entries{kind == ParameterKind::probability_logit ? 3u : 2u, {}, {}};
  for (const Parameter& p : parameters) {
    if (p.kind != kind) continue;
    Offset row = p.index;
    if (kind == ParameterKind::probability_logit) {
      row = std::ranges::upper_bound(mdp.row_begin(), p.index) - mdp.row_begin().begin() - 1;
    }
    const State s = mdp.state_of(row);
    entries.positions.insert(entries.positions.end(), {s, row - mdp.state_rows()[at(s)]});
    if (kind == ParameterKind::probability_logit) entries.positions.push_back(mdp.next_state()[at(p.index)]);
  }
  return entries;
}

void set_parameters(Result& result, const std::string& key, const Mdp& mdp, const std::vector<Parameter>& parameters) {
  if (parameters.empty() || parameters.front().kind == ParameterKind::policy_logit) {
    result.set(key, entries_of(mdp, parameters, ParameterKind::policy_logit));
    return;
  }
  Result kinds;
  kinds.set("probability_logits", entries_of(mdp, parameters, ParameterKind::probability_logit));
  kinds.set("cost", entries_of(mdp, parameters, ParameterKind::cost));
  result.set(key, std::move(kinds));
}

/// The two parts of a model gradient under their own keys.
void set_parts(Result& result, const Targets& targets, const std::vector<double>& gradient) {
  std::vector<double> logits, costs;
  for (std::size_t i = 0; i < targets.rows.size(); ++i) {
    (targets.rows[i].kind == ParameterKind::cost ? costs : logits).push_back(gradient[i]);
  }
  result.set("probability_logits", std::move(logits));
  result.set("cost", std::move(costs));
}

Result size_result(const estimators::SampleSize& size) {
  Result result;
  result.set("samples", size.samples);
  result.set("replications", size.sampled.replications);
  result.set("transitions", size.sampled.transitions);
  result.set("seconds", size.sampled.seconds);
  result.set("mean_squared_error", size.sampled.mean_squared_error);
  result.set("exact_mean_squared_error", size.exact_mean_squared_error);
  return result;
}

/// Rows of covariances, the signs of both derivatives changed as derivative_in_sense() does.
std::vector<std::vector<double>> covariance_in_sense(Objective objective, const Estimates& e,
                                                     const std::vector<double>& covariance) {
  const std::size_t n = e.targets.size();
  const std::vector<double> sign = derivative_in_sense(objective, e, std::vector<double>(n, 1.0));
  std::vector<std::vector<double>> rows(n);
  for (std::size_t k = 0; k < n * n; ++k) rows[k / n].push_back(sign[k / n] * sign[k % n] * covariance[k]);
  return rows;
}

/// Whether some z-score was held against a limit.
bool has_z(const Judgement& j) { return j.n_judged + j.n_by_chebyshev > 0; }

std::string interruption_text(const Estimates& e) {
  return e.judgements.empty() ? "interrupted before anything was sampled"
                              : "interrupted: the trajectories drawn so far are reported";
}

Result judgement_result(const Mdp& mdp, const Estimates& e, const Judgement& j) {
  const auto sensed = [&](const std::vector<double>& x) { return derivative_in_sense(mdp.objective(), e, x); };
  const estimators::Sampled& sampled = j.sampled();
  Result result;
  result.set("name", j.name);
  if (j.name == "causal") result.set("baseline", e.baseline);
  set_derivative(result, "exact_mean", e.targets, sensed(j.expected));
  result.set("exact_by", j.exact.meaning);
  if (!j.exact.variance.empty()) set_derivative(result, "exact_variance", e.targets, j.exact.variance);
  if (!j.exact.covariance.empty())
    result.set("exact_covariance", covariance_in_sense(mdp.objective(), e, j.exact.covariance));
  result.set("exact_variance_trace", j.exact_variance_trace);
  result.set("exact_bias_norm", j.exact_bias_norm);
  result.set("bias_source", word(j.bias_source));
  result.set("predicted_bias_norm", j.predicted_bias_norm);
  result.set("bias_defect", j.bias_defect);
  set_derivative(result, "sample_mean", e.targets, sensed(sampled.mean));
  set_derivative(result, "sample_standard_deviation", e.targets, sampled.standard_deviation);
  if (e.replications > 1) set_derivative(result, "replicate_deviation", e.targets, sampled.replicate_deviation);
  set_derivative(result, "standard_error", e.targets, j.standard_error);
  result.set("standard_error_is_exact", j.standard_error_is_exact);
  set_derivative(result, "z", e.targets, sensed(j.z));
  double z_max = 0.0;  // over all derivatives, judged or not
  for (const double z : j.z) z_max = std::isnan(z) ? z_max : std::max(z_max, std::abs(z));
  result.set("z_max", z_max);
  result.set("z_judged", has_z(j) ? j.z_max : not_computed);
  result.set("z_limit", j.z_limit);
  result.set("judged_by", j.judged_by());
  result.set("n_judged", j.n_judged);
  result.set("n_by_chebyshev", j.n_by_chebyshev);
  result.set("n_constant", j.n_constant);
  result.set("n_second_order", j.n_second_order);
  result.set("samples", sampled.n_trajectories);
  result.set("expansion_parameter", j.expansion_parameter);
  result.set("transitions", sampled.transitions);
  result.set("mean_squared_error", sampled.mean_squared_error);
  result.set("exact_mean_squared_error", j.sizes.back().exact_mean_squared_error);
  result.set("seconds", sampled.seconds);
  result.set("verdict", j.verdict());
  result.set("verdict_reason", j.reason);
  if (j.sizes.size() > 1) {
    std::vector<Result> sizes;
    for (const auto& size : j.sizes) sizes.push_back(size_result(size));
    result.set("by_samples", std::move(sizes));
  }
  return result;
}

std::string number(double x) { return std::isnan(x) ? "-" : fmt::format("{:.4g}", x); }

Table summary_table(const Estimates& e) {
  Table table({{"estimator", Align::left},
               {"exact st. dev."},
               {"exact bias"},
               {"source of bias", Align::left},
               {"root mean sq. error"},
               {"transitions"},
               {"largest |z|"},
               {"limit"},
               {"verdict", Align::left}});
  for (const Judgement& j : e.judgements) {
    table.add({j.name, number(std::sqrt(j.exact_variance_trace)), number(j.exact_bias_norm),
               j.bias_source == estimators::BiasSource::none ? "" : std::string(word(j.bias_source)),
               number(std::sqrt(j.sampled().mean_squared_error)), count_text(j.sampled().transitions),
               has_z(j) ? fmt::format("{:.2f}", j.z_max) : "-", has_z(j) ? fmt::format("{:.2f}", j.z_limit) : "-",
               j.consistent ? std::string(j.verdict()) : "INCONSISTENT"});
  }
  return table;
}

std::string label(const Mdp& mdp, const Parameter& p) {
  Offset row = p.index;
  if (p.kind == ParameterKind::probability_logit) {
    row = std::ranges::upper_bound(mdp.row_begin(), p.index) - mdp.row_begin().begin() - 1;
  }
  const State s = mdp.state_of(row);
  const std::string pair = fmt::format("{}, {}", state_label(mdp, s),
                                       action_label(mdp, s, static_cast<Action>(row - mdp.state_rows()[at(s)])));
  if (p.kind == ParameterKind::probability_logit) {
    return fmt::format("logit {} -> {}", pair, state_label(mdp, mdp.next_state()[at(p.index)]));
  }
  return fmt::format("{} {}", p.kind == ParameterKind::cost ? "cost" : "logit", pair);
}

/// The largest derivatives under one estimator.
Table detail_table(const Mdp& mdp, const Estimates& e, const Judgement& j) {
  std::vector<std::size_t> order(e.targets.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](std::size_t i) { return std::abs(e.truth[i]); });
  const auto sensed = [&](const std::vector<double>& x) { return derivative_in_sense(mdp.objective(), e, x); };
  const auto truth = sensed(e.truth);
  const auto mean = sensed(j.expected);
  const auto sampled = sensed(j.sampled().mean);
  const auto z = sensed(j.z);
  Table table({{"largest: state, action", Align::left},
               {"truth"},
               {"exact mean"},
               {"sampled mean"},
               {"exact st. dev."},
               {"sampled st. dev."},
               {"z"}});
  const std::size_t shown = std::min<std::size_t>(order.size(), 12);
  const std::size_t width = std::max<std::size_t>(1, e.targets.columns.size());
  for (std::size_t k = 0; k < shown; ++k) {
    const std::size_t i = order[k];
    std::string name = label(mdp, e.targets.rows[i / width]);
    if (!e.targets.columns.empty()) name += "; " + label(mdp, e.targets.columns[i % width]);
    table.add({name, fmt::format("{:.6g}", truth[i]), fmt::format("{:.6g}", mean[i]), fmt::format("{:.6g}", sampled[i]),
               j.exact.variance.empty() ? "-" : fmt::format("{:.4g}", std::sqrt(j.exact.variance[i])),
               number(j.sampled().standard_deviation[i]), std::isnan(z[i]) ? "-" : fmt::format("{:+.2f}", z[i])});
  }
  note_the_rest(table, static_cast<std::int64_t>(order.size() - shown), "derivatives");
  return table;
}

}  // namespace

bool Estimates::interrupted() const {
  return stopped || std::ranges::any_of(judgements, [](const Judgement& j) { return j.interrupted; });
}

bool Estimates::consistent() const {
  return std::ranges::all_of(judgements, [](const Judgement& j) { return j.consistent; });
}

std::vector<double> derivative_in_sense(Objective objective, const Estimates& e, std::span<const double> derivative) {
  std::vector<double> x(derivative.begin(), derivative.end());
  if (objective == Objective::minimize) return x;
  const std::size_t width = std::max<std::size_t>(1, e.targets.columns.size());
  const double of_value = e.quantity == estimators::Quantity::sensitivity ? 1.0 : -1.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double column = e.targets.columns.empty() ? 1.0 : sense_of(objective, e.targets.columns[i % width]);
    x[i] *= of_value * sense_of(objective, e.targets.rows[i / width]) * column;
  }
  return x;
}

Result estimates_result(const Mdp& mdp, const Estimates& e) {
  Result result;
  result.set("status", e.interrupted() ? "interrupted" : "converged");
  if (e.interrupted()) result.set("message", interruption_text(e));
  result.set("criterion", "finite");
  result.set("objective", objective_word(mdp.objective()));
  result.set("discount", mdp.discount());
  result.set("quantity", word(e.quantity));
  result.set("horizon", e.horizon);
  if (e.temperature > 0.0) result.set("temperature", e.temperature);
  result.set("seed", static_cast<std::int64_t>(e.seed));
  result.set("replications", e.replications);
  result.set("version", MDP_VERSION);
  if (!e.model_hash.empty()) result.set("model_hash", e.model_hash);
  if (!e.world_hash.empty()) result.set("world_hash", e.world_hash);
  if (!e.data_hash.empty()) result.set("data_hash", e.data_hash);
  set_parameters(result, "parameters", mdp, e.targets.rows);
  if (!e.targets.columns.empty()) set_parameters(result, "column_parameters", mdp, e.targets.columns);
  const auto truth = derivative_in_sense(mdp.objective(), e, e.truth);
  set_derivative(result, "truth", e.targets, truth);
  result.set("in_sim_gradient_norm", e.in_sim_gradient_norm);
  if (e.quantity == estimators::Quantity::model_gradient || e.quantity == estimators::Quantity::world_gradient)
    set_parts(result, e.targets, truth);
  if (!e.infinite.value.empty()) {
    set_derivative(result, "truth_infinite", e.targets, derivative_in_sense(mdp.objective(), e, e.infinite.value));
    result.set("truth_infinite_error_bound", e.infinite.error_bound);
    result.set("truncation_bias_norm", estimators::distance(e.truth, e.infinite.value));
    result.set("truncation_bias_bound", e.truncation_bound);
  }
  std::vector<Result> lines;
  for (const Judgement& j : e.judgements) lines.push_back(judgement_result(mdp, e, j));
  result.set("estimators", std::move(lines));
  return result;
}

std::string estimates_tables(const Mdp& mdp, const Estimates& e) {
  Facts facts;
  if (e.interrupted()) facts.add("status", interruption_text(e));
  if (!std::isnan(e.in_sim_gradient_norm))
    facts.add("optimum", fmt::format("|in-sim gradient| {:.2e} at this policy", e.in_sim_gradient_norm));
  facts.add("quantity", fmt::format("{} of the {}-stage discounted sum, {}", word(e.quantity), e.horizon,
                                    objective_word(mdp.objective())));
  facts.add("|truth|", fmt::format("{:.6g} over {} derivatives", estimators::norm(e.truth),
                                   count_text(static_cast<long long>(e.targets.size()))));
  if (!e.infinite.value.empty()) {
    facts.add("truncation", fmt::format("the infinite-horizon derivative is {:.2e} away (Euclidean){}",
                                        estimators::distance(e.truth, e.infinite.value),
                                        std::isnan(e.truncation_bound)
                                            ? ""
                                            : fmt::format(", each entry at most {}", bound_text(e.truncation_bound))));
  }
  if (e.judgements.empty()) return facts.text();
  if (e.judgements.size() > 1) return facts.text() + "\n" + summary_table(e).text();
  const Judgement& j = e.judgements.front();
  facts.add("estimator",
            fmt::format("{}{}; {} trajectories in {}", j.name, j.name == "causal" ? ", baseline " + e.baseline : "",
                        count_text(j.sampled().n_trajectories), seconds_text(j.sampled().seconds)));
  facts.add("exact",
            fmt::format("by {}; bias {}{}", j.exact.meaning, number(j.exact_bias_norm),
                        std::isnan(j.predicted_bias_norm)
                            ? ""
                            : fmt::format(", predicted {} ({})", number(j.predicted_bias_norm), word(j.bias_source))));
  facts.add("verdict", fmt::format("{}: {}", j.verdict(), j.reason));
  return facts.text() + "\n" + detail_table(mdp, e, j).text();
}

}  // namespace mdp::cli
