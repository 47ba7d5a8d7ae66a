#include "cli/study/kind.hpp"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "cli/result_file.hpp"
#include "cli/study/equivalence_study.hpp"
#include "cli/study/estimators.hpp"
#include "cli/study/report.hpp"
#include "cli/study/sim2real.hpp"
#include "libmdp/error.hpp"
#include "libmdp/io/file_bytes.hpp"
#include "libmdp/io/write.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::cli::study {
namespace {

toml::table parse(const std::string& path) {
  try {
    const io::FileBytes bytes(path);
    return toml::parse(io::as_text(bytes.bytes()), path);
  } catch (const toml::parse_error& error) {
    throw InputError(path, fmt::format("line {}", error.source().begin.line), std::string(error.description()));
  }
}

}  // namespace

const std::vector<StudyKind>& study_kinds() {
  static const std::vector<StudyKind> kinds = {
      {"candidates", "models fitted to a world: regret, equivalent cost and model, gradient, estimator",
       run_candidates},
      {"sim2real", "in-real learning over in-sim learning: learners side by side on several worlds", run_sim2real},
      {"estimators", "the table of sample-based estimators on several problems, beside exact moments", run_estimators},
      {"equivalence", "fits to growing data in several worlds: likelihood, epsilon, level, regret", run_equivalence},
  };
  return kinds;
}

void open_study(const std::string& path, const std::function<void(StudyFile& file, const std::string& kind)>& read) {
  const toml::table table = parse(path);
  StudyFile file{path, TomlSection(path, "", table), std::filesystem::path(path).parent_path(), {}, 1};
  std::vector<std::string> names;
  for (const StudyKind& kind : study_kinds()) names.push_back(kind.name);
  const std::string name = file.top.word("kind", names, names.front());
  file.title = file.top.text("title");
  file.seed = static_cast<std::uint64_t>(file.top.integer("seed", 0, 1));
  read(file, name);
}

std::pair<std::string, Report> run_study(const std::string& path, const StudyContext& context) {
  std::pair<std::string, Report> done;
  open_study(path, [&](StudyFile& file, const std::string& kind) {
    done.second = std::ranges::find(study_kinds(), kind, &StudyKind::name)->run(file, context);
    done.first = file.title;
  });
  return done;
}

void write_report(const std::string& folder, const Report& report) {
  const std::filesystem::path path(folder);
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) throw OutputError(fmt::format("{}: cannot be made: {}", folder, failed.message()));
  for (const ArrayFile& file : report.arrays) write_result((path / file.name).string(), file.arrays);
  for (const auto& [name, model] : report.models) io::write_mdp((path / name).string(), model);
  for (const auto& [name, text] : report.texts) io::write_file((path / name).string(), std::string_view(text));
  io::write_file((path / "report.md").string(), std::string_view(report.markdown));
  io::write_file((path / "report.json").string(), std::string_view(report.json.json()));
}

}  // namespace mdp::cli::study
