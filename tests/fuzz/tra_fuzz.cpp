// parse_tra() and the files beside it: any bytes give a model or an InputError, nothing else; the exact reading agrees. The first
// byte says which side files follow, parts are separated by a byte 1.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libmdp/error.hpp"
#include "libmdp/io/tra.hpp"

namespace {

using mdp::io::ExplicitText;

ExplicitText parse(std::string_view text) {
  const mdp::io::ReadOptions options{.threads = 1};
  const auto next_part = [&text] {
    const std::size_t end = text.find('\1');
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
  };
  const unsigned which = text.empty() ? 0 : static_cast<unsigned char>(text.front());
  text.remove_prefix(text.empty() ? 0 : 1);
  ExplicitText model = mdp::io::parse_tra(next_part(), "x.tra");
  if ((which & 1) != 0) mdp::io::parse_lab(next_part(), "x.lab", model);
  if ((which & 2) != 0) mdp::io::parse_srew(next_part(), "x.srew", options, model);
  if ((which & 4) != 0) mdp::io::parse_trew(next_part(), "x.trew", options, model);
  if ((which & 8) != 0) mdp::io::parse_sta(next_part(), "x.sta", model);
  return model;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const mdp::io::ReadOptions options{.threads = 1};
  try {
    const mdp::Mdp m = mdp::io::mdp_of(parse(text), options);
    const mdp::io::ExactModel exact = mdp::io::exact_model_of(parse(text), options);
    if (static_cast<mdp::Offset>(exact.rows.size()) != m.n_rows()) std::abort();
  } catch (const mdp::InputError&) {  // NOLINT(bugprone-empty-catch): that is the promise
  }
  return 0;
}
