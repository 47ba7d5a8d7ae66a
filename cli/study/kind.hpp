// cli/study/kind.hpp — the kinds of studies, and what each of them hands back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/result.hpp"
#include "cli/study/toml_section.hpp"
#include "libmdp/mdp.hpp"

namespace mdp::cli::study {

/// A study file, opened: what every kind has. The kind reads the rest of `top` and calls top.finish().
struct StudyFile {
  std::string path;
  TomlSection top;
  std::filesystem::path folder;  ///< of the file: paths in it are relative to this
  std::string title;
  std::uint64_t seed = 1;
};

/// How a study is run.
struct StudyContext {
  int threads = 0;  ///< 0 = all; the same bytes for any number
  /// Called before each part with its name (progress); throws to stop.
  std::function<void(const std::string&)> step;
};

/// A file of arrays.
struct ArrayFile {
  std::string name;     ///< "world.npz"
  std::string content;  ///< for the list of files in the page
  Result arrays;
};

/// All that a study found. Everything is here before the first file is written.
struct Report {
  std::vector<std::string> highlights;              ///< the most telling lines
  Result json;                                      ///< report.json: every number, and the configuration in effect
  std::string markdown;                             ///< report.md; without timings: the same text from every run
  std::vector<ArrayFile> arrays;                    ///< .npz or .json
  std::vector<std::pair<std::string, Mdp>> models;  ///< model files: name, model
  std::vector<std::pair<std::string, std::string>> texts;  ///< other files: name, content (.svg, .csv)
  bool holds = true;  ///< exit code 0: everything converged, and what was checked is consistent
};

/// A kind of study: `kind = "…"` at the top of the file.
struct StudyKind {
  std::string name;
  std::string title;  ///< one line for people
  Report (*run)(StudyFile& file, const StudyContext& context);
};

/// All kinds; the first is taken where a file names none.
[[nodiscard]] const std::vector<StudyKind>& study_kinds();

/// Opens a study file and hands it over, with the name of its kind.
/// \throws InputError naming file, line and key
void open_study(const std::string& path, const std::function<void(StudyFile& file, const std::string& kind)>& read);

/// Opens a study file, runs the study that it asks for. Deterministic but for keys named `seconds`.
/// \throws InputError naming file, line and key
[[nodiscard]] std::pair<std::string, Report> run_study(const std::string& path, const StudyContext& context);

/// Writes everything into a folder, which is made if it does not exist; each file whole or not at all, report.json last.
/// \throws OutputError
void write_report(const std::string& folder, const Report& report);

}  // namespace mdp::cli::study
