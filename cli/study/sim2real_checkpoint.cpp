// What is needed to go on where a run stopped, to the bit: doubles are written in their shortest form that reads back.
#include <cmath>

#include <nlohmann/json.hpp>

#include "cli/study/sim2real.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::cli::study {
namespace {

using nlohmann::json;

json number(double x) {
  if (std::isfinite(x)) return x;
  return std::isnan(x) ? "nan" : (x > 0 ? "inf" : "-inf");
}

double number(const json& j) {
  if (j.is_number()) return j.get<double>();
  const auto word = j.get<std::string>();
  return word == "nan" ? not_computed : (word == "inf" ? infinity : -infinity);
}

json to_json(const equivalence::TuneRecord& r) {
  return {r.iteration,
          r.evaluations,
          number(r.performance),
          number(r.performance_error),
          number(r.optimum),
          number(r.regret.lower),
          number(r.regret.upper),
          number(r.epsilon),
          r.level,
          number(r.log_likelihood),
          number(r.gradient_norm)};
}

equivalence::TuneRecord record_of(const json& j) {
  equivalence::TuneRecord r;
  r.iteration = j.at(0).get<std::int64_t>();
  r.evaluations = j.at(1).get<std::int64_t>();
  r.performance = number(j.at(2));
  r.performance_error = number(j.at(3));
  r.optimum = number(j.at(4));
  r.regret = {number(j.at(5)), number(j.at(6))};
  r.epsilon = number(j.at(7));
  r.level = j.at(8).get<std::string>();
  r.log_likelihood = number(j.at(9));
  r.gradient_norm = number(j.at(10));
  return r;
}

json to_json(const equivalence::TuneResult& result) {
  json trace = json::array();
  for (const auto& record : result.trace) trace.push_back(to_json(record));
  const solvers::DescentState& s = result.state;
  return {{"status", static_cast<int>(result.status)},
          {"ending", static_cast<int>(result.ending)},
          {"message", result.message},
          {"theta", s.x},
          {"iteration", s.iteration},
          {"evaluations", s.evaluations},
          {"last_step", number(s.last_step)},
          {"moves", s.moves},
          {"responses", s.responses},
          {"policy_gradient_norm", number(result.policy_gradient_norm)},
          {"improvement_left", number(result.improvement_left)},
          {"trace", std::move(trace)}};
}

equivalence::TuneResult result_of(const json& j) {
  equivalence::TuneResult result;
  result.status = static_cast<Status>(j.at("status").get<int>());
  result.ending = static_cast<equivalence::TuneEnding>(j.at("ending").get<int>());
  result.message = j.at("message").get<std::string>();
  solvers::DescentState& s = result.state;
  s.x = j.at("theta").get<std::vector<double>>();
  s.iteration = j.at("iteration").get<std::int64_t>();
  s.evaluations = j.at("evaluations").get<std::int64_t>();
  s.last_step = number(j.at("last_step"));
  s.moves = j.at("moves").get<std::vector<std::vector<double>>>();
  s.responses = j.at("responses").get<std::vector<std::vector<double>>>();
  result.policy_gradient_norm = number(j.at("policy_gradient_norm"));
  result.improvement_left = number(j.at("improvement_left"));
  for (const json& record : j.at("trace")) result.trace.push_back(record_of(record));
  return result;
}

}  // namespace

void write_checkpoint(const std::string& path, const Sim2RealConfig& config, const TuneProgress& progress) {
  json finished = json::array();
  for (const auto& result : progress.finished) finished.push_back(to_json(result));
  json file{{"format", "mdp tune checkpoint"},
            {"version", 1},
            {"config", to_result(config).line()},
            {"selection", progress.selection},
            {"finished", finished}};
  if (progress.current) file["current"] = to_json(*progress.current);
  io::write_file(path, std::string_view(file.dump()));
}

TuneProgress read_checkpoint(const std::string& path, const Sim2RealConfig& config) {
  const io::FileBytes bytes(path);
  TuneProgress progress;
  try {
    const json file = json::parse(io::as_text(bytes.bytes()));
    if (file.at("format") != "mdp tune checkpoint" || file.at("version") != 1) {
      throw InputError(path, "format", "is not a checkpoint of mdp tune, version 1");
    }
    if (file.at("config") != to_result(config).line()) {
      throw InputError(path, "config", "belongs to another study, or the study file has changed since");
    }
    progress.selection = file.at("selection").get<std::string>();
    for (const json& result : file.at("finished")) progress.finished.push_back(result_of(result));
    if (file.contains("current")) progress.current = result_of(file.at("current"));
  } catch (const json::exception& error) {
    throw InputError(path, "content", std::string("is not a checkpoint of mdp tune: ") + error.what());
  }
  return progress;
}

}  // namespace mdp::cli::study
