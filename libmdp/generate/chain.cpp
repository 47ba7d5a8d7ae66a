#include "libmdp/generate/chain.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/limits.hpp"
#include "libmdp/random.hpp"

namespace mdp::generate {
namespace {

struct Move {
  std::string_view name;
  std::int64_t forward, back;
  double probability_forward, probability_back;
  double cost;
};
constexpr std::array<Move, 3> moves = {
    {{"walk", 1, 0, 0.9, 0.1, 1.0}, {"run", 5, -20, 0.85, 0.15, 1.5}, {"leap", 50, -60, 0.56, 0.44, 2.0}}};

}  // namespace

std::string ChainOptions::check() const { return check_count("states", states, max_n_states); }

Mdp chain(const ChainOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("chain: " + broken);
  const std::int64_t last = options.states - 1;
  MdpBuilder builder(options.states);
  builder.reserve(3 * options.states, 6 * options.states);
  builder.discount(options.discount).goal(last);
  for (std::int64_t s = 0; s <= last; ++s) {
    for (std::size_t a = 0; a < moves.size(); ++a) {
      const Move& move = moves[a];
      RandomSequence random(options.seed, RandomStream::chain, static_cast<std::uint64_t>(s) * moves.size() + a);
      builder.row(s, s == last ? 0.0 : move.cost * (0.5 + random.uniform()), move.name);
      if (s == last) {
        builder.to(s, 1.0);
        continue;
      }
      builder.to(std::clamp<std::int64_t>(s + move.forward, 0, last), move.probability_forward);
      builder.to(std::clamp<std::int64_t>(s + move.back, 0, last), move.probability_back);
    }
  }
  return builder.build();
}

std::string HaddadMonmegeOptions::check() const {
  if (auto broken = check_count("length", length, (max_n_states - 1) / 2); !broken.empty()) return broken;
  if (auto broken = check_amount("first_branch", first_branch, 1.0); !broken.empty()) return broken;
  if (!(advance > 0.0)) return "advance = " + std::to_string(advance) + ", required above 0 and at most 1";
  return check_amount("advance", advance, 1.0);
}

Mdp haddad_monmege(const HaddadMonmegeOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("haddad_monmege: " + broken);
  const std::int64_t n_states = 1 + 2 * options.length;
  MdpBuilder builder(n_states);
  builder.reserve(n_states, 2 * n_states);
  builder.discount(options.discount).initial(0, 1.0).goal(n_states - 2).goal(n_states - 1);
  builder.row(0, 1.0).to(1, options.first_branch).to(2, 1.0 - options.first_branch);
  for (std::int64_t s = 1; s + 2 < n_states; ++s) {
    builder.row(s, 1.0).to(s + 2, options.advance).to(0, 1.0 - options.advance);
  }
  return builder.build();
}

}  // namespace mdp::generate
