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
  // V^pi to a residual of 1e-13 relative: uncertified, as the adjoint below; and certified, by evaluate().
  const LinearOptions linear{.tolerance = 1e-13};
  std::vector<double> costs(m.n_states());
  for (mdp::State s = 0; s < m.n_states(); ++s) costs[s] = m.cost()[mdp::selected_row(m, planted.policy, s)];
  double error = 0.0, certified_error = 0.0;
  const double evaluation = seconds(
      [&] { error = PolicySystem(m, std::span<const mdp::Action>(planted.policy), linear).solve(costs).error_bound; });
  const double certified = seconds([&] { certified_error = evaluate(m, planted.policy).value_error_bound; });

  LinearisationPoint point;
  point.values = planted.values;
  point.row_weights = mdp::to_stochastic(m, planted.policy);
  const auto reverse = [&](bool probability, double& bound) {
    return seconds([&] {
      point.system = std::make_shared<const PolicySystem>(m, std::span<const mdp::Action>(planted.policy), linear);
      const Linearisation at(m, point, {.probability = probability});
      bound = at.performance_gradient().adjoint_error_bound;
    });
  };
  double bound = 0.0;
  const double all = reverse(true, bound), lean = reverse(false, bound);
  std::printf("transitions %lld\n", static_cast<long long>(m.n_transitions()));
  std::printf("evaluation %.2f s, error at most %.1e; certified %.2f s, at most %.1e\n", evaluation, error, certified,
              certified_error);
  std::printf(
      "reverse pass %.2f s, ratio %.2f; without probabilities %.2f s, ratio %.2f; adjoint's error at most %.1e\n", all,
      all / evaluation, lean, lean / evaluation, bound);
}
