#include "tests/support/random_mdp.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "libmdp/builder.hpp"
#include "libmdp/random.hpp"

namespace mdp::tests {

Mdp random_mdp(std::uint64_t seed, State n_states, const Discount& discount) {
  RandomSequence random(seed, RandomStream::test, 1);
  const auto distribution = [&] {  // about a third of the entries 0, the rest sum to 1
    std::vector<double> p(static_cast<std::size_t>(n_states));
    double sum = 0.0;
    for (double& x : p) sum += x = random.below(3) == 0 ? 0.0 : random.uniform();
    if (sum == 0.0) sum = p[0] = 1.0;
    for (double& x : p) x /= sum;
    return p;
  };
  MdpBuilder builder(n_states);
  builder.discount(discount);
  const std::vector<double> initial = distribution();
  for (State s = 0; s < n_states; ++s) {
    builder.initial(s, initial[static_cast<std::size_t>(s)]);
    const std::uint64_t n_actions = 1 + random.below(3);
    for (std::uint64_t a = 0; a < n_actions; ++a) {
      builder.row(s, 2.0 * random.uniform() - 1.0);
      const std::vector<double> p = distribution();
      for (State next = 0; next < n_states; ++next) builder.to(next, p[static_cast<std::size_t>(next)]);
    }
  }
  return builder.build();
}

Mdp mixed_mdp(std::uint64_t seed, double discount) {
  std::mt19937_64 random(seed);
  const auto draw = [&](std::uint64_t n) { return random() % n; };
  const auto cost = [&] { return static_cast<double>(draw(4096)) / 1024.0 - 1.0; };
  MdpBuilder b(6);
  b.discount(discount);
  for (State s = 0; s < 5; ++s) {
    const std::uint64_t actions = s == 1 ? 1 : 1 + draw(3);
    for (std::uint64_t a = 0; a < actions; ++a) {
      // State 0 starts; 4 is never a successor; 5 absorbs.
      const auto first = static_cast<State>(draw(4)), second = static_cast<State>(draw(4));
      if (draw(3) == 0) {
        b.row(s, cost()).to(first, 1.0);
      } else {
        b.row(s, cost()).to(first, 0.25).to(second, 0.5).to(5, 0.25);
      }
    }
  }
  b.row(5, 0.0).to(5, 1.0);
  b.initial(0, 1.0);
  return b.build();
}

StochasticPolicy random_policy(std::uint64_t seed, const Mdp& mdp) {
  RandomSequence random(seed, RandomStream::test, 2);
  std::vector<double> logits(static_cast<std::size_t>(mdp.n_rows()));
  for (double& x : logits) x = 2.0 * random.uniform() - 1.0;
  return softmax_policy(mdp, logits);
}

StochasticPolicy softmax_policy(const Mdp& mdp, std::span<const double> logits) {
  StochasticPolicy policy(logits.size());
  for (State s = 0; s < mdp.n_states(); ++s) {
    const auto first = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s)]);
    const auto last = static_cast<std::size_t>(mdp.state_rows()[static_cast<std::size_t>(s) + 1]);
    double sum = 0.0;
    for (std::size_t row = first; row < last; ++row) sum += policy[row] = std::exp(logits[row]);
    for (std::size_t row = first; row < last; ++row) policy[row] /= sum;
  }
  return policy;
}

}  // namespace mdp::tests
