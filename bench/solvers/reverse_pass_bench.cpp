// One reverse pass against one policy evaluation at the same accuracy, in one run: a planted MDP of 10^6 states and
// 2 10^7 transitions. Prints seconds of both, their ratio, and what the gradient by probabilities adds.
#include <chrono>
#include <cstdio>

#include "libmdp/generate/planted.hpp"
#include "solvers/derivative.hpp"
#include "solvers/evaluation.hpp"
#include "solvers/policy_system.hpp"

namespace {

template <class F>
double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main() {
  using namespace mdp::solvers;
  const auto planted = mdp::generate::planted(
      {.shape = {.states = 1'000'000, .actions = 4, .successors = 5}, .discount = 0.99, .seed = 1});
  const mdp::Mdp& m = planted.mdp;
  SolveOptions accuracy;
  accuracy.tolerance = 0.0;
  accuracy.relative_tolerance = 1e-10;
  double error = 0.0;
  const double evaluation = seconds([&] { error = evaluate(m, planted.policy, accuracy).value_error_bound; });

  LinearisationPoint point;
  point.values = planted.values;
  point.row_weights = mdp::to_stochastic(m, planted.policy);
  const auto reverse = [&](bool probability, double& bound) {
    return seconds([&] {
      point.system = std::make_shared<const PolicySystem>(m, std::span<const mdp::Action>(planted.policy),
                                                          LinearOptions{.tolerance = 1e-10});
      const Linearisation at(m, point, {.probability = probability});
      bound = at.performance_gradient().adjoint_error_bound;
    });
  };
  double bound = 0.0;
  const double all = reverse(true, bound), lean = reverse(false, bound);
  std::printf("transitions %lld\nevaluation %.2f s, error bound %.1e\n", static_cast<long long>(m.n_transitions()),
              evaluation, error);
  std::printf("reverse pass %.2f s (ratio %.2f), without probabilities %.2f s (ratio %.2f), adjoint bound %.1e\n", all,
              all / evaluation, lean, lean / evaluation, bound);
}
