// read_json() of any bytes gives an MDP or an InputError, nothing else; an MDP, written and read again, has the same bits.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "libmdp/error.hpp"
#include "libmdp/io/json.hpp"

namespace {

void require_same(const mdp::Mdp& a, const mdp::Mdp& b) {
  const bool same =
      std::ranges::equal(a.state_rows(), b.state_rows()) && std::ranges::equal(a.row_begin(), b.row_begin()) &&
      std::ranges::equal(a.next_state(), b.next_state()) && std::ranges::equal(a.probability(), b.probability()) &&
      std::ranges::equal(a.probability_tail(), b.probability_tail()) && std::ranges::equal(a.cost(), b.cost()) &&
      std::ranges::equal(a.cost_tail(), b.cost_tail()) && std::ranges::equal(a.goal(), b.goal()) &&
      a.objective() == b.objective() && a.exact_discount().value.lo == b.exact_discount().value.lo &&
      a.discount() == b.discount();
  if (!same) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const mdp::io::ReadOptions options{.threads = 1};
  try {
    const mdp::Mdp m = mdp::io::read_json(std::as_bytes(std::span(data, size)), "fuzz.json", options);
    const std::string text = mdp::io::json_text(m);
    require_same(m, mdp::io::read_json(std::as_bytes(std::span(text)), "again.json", options));
  } catch (const mdp::InputError& error) {
    if (error.file() == "again.json") std::abort();
  }
  return 0;
}
