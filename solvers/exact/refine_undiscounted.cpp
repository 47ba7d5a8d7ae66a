// N certified digits of the criteria without a discount.
#include <fmt/format.h>

#include "libmdp/error.hpp"
#include "solvers/exact/decimal.hpp"
#include "solvers/exact/exact_answer.hpp"

namespace mdp::solvers {

RefinedResult refine_undiscounted(const ExactMdp& mdp, Criterion criterion, int n_digits,
                                  const ExactLevelOptions& options) {
  if (n_digits < 1) throw InvalidOption(fmt::format("digits = {}, required >= 1", n_digits));
  RefinedResult result;
  if (criterion == Criterion::finite) return refine_finite(mdp, n_digits, options);
  ExactOptions exact = exact_options(mdp, options);
  exact.digits = n_digits;
  const ExactAnswer answer = solve_exact(mdp.model(), criterion, exact);
  result.seconds = answer.seconds;
  if (!answer.converged()) {
    result.status = answer.status == Status::refused ? Status::precision_limit : answer.status;
    result.message =
        answer.status == Status::refused ? "so many digits were not proved; " + answer.message : answer.message;
    return result;
  }
  write_digits(result, mdp.model().objective, answer.value, answer.error, n_digits);
  return result;
}

}  // namespace mdp::solvers
