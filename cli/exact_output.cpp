#include "cli/exact_output.hpp"

#include "equivalence/exact_levels.hpp"
#include "libmdp/io/exact_json.hpp"
#include "libmdp/io/write_file.hpp"

namespace mdp::cli {

bool writes_exactly(const std::string& path, bool level_given, const Mdp& world) {
  return path.ends_with(".json") && !level_given && world.n_states() <= equivalence::exact_levels_states;
}

bool write_exact_model(const std::string& path, const io::ExactModel& model) {
  const std::string text = io::exact_json_text(model);
  if (static_cast<double>(text.size()) > max_exact_characters) return false;
  io::write_file(path, text);
  return true;
}

}  // namespace mdp::cli
