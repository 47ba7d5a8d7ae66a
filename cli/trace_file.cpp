#include "cli/trace_file.hpp"

#include "cli/result.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::cli {

void write_trace(const std::string& path, Objective objective, std::span<const solvers::SweepRecord> trace) {
  const bool maximise = objective == Objective::maximize;
  std::string text;
  for (const auto& record : trace) {
    Result line;
    line.set("sweep", record.sweep);
    line.set("iteration", record.iteration);
    line.set("seconds", record.seconds);
    line.set("residual_min", maximise ? -record.residual_max : record.residual_min);
    line.set("residual_max", maximise ? -record.residual_min : record.residual_max);
    line.set("half_width", record.half_width);
    line.set("lower", maximise ? -record.upper : record.lower);
    line.set("upper", maximise ? -record.lower : record.upper);
    line.set("bytes", record.bytes);
    line.set("policy_changes", std::int64_t{record.policy_changes});
    text += line.line() + "\n";
  }
  io::write_file(path, std::string_view(text));
}

}  // namespace mdp::cli
