// parse_drn() of any bytes gives a model or an InputError, nothing else; the exact reading agrees.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "libmdp/error.hpp"
#include "libmdp/io/drn.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const mdp::io::ReadOptions options{.threads = 1};
  try {
    const mdp::Mdp m = mdp::io::mdp_of(mdp::io::parse_drn(text, "x.drn", options), options);
    const auto exact = mdp::io::exact_model_of(mdp::io::parse_drn(text, "x.drn", options), options);
    if (static_cast<mdp::Offset>(exact.rows.size()) != m.n_rows()) std::abort();
  } catch (const mdp::InputError&) {  // NOLINT(bugprone-empty-catch): that is the promise
  }
  return 0;
}
