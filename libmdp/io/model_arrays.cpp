#include "libmdp/io/model_arrays.hpp"

#include <utility>

#include "libmdp/error.hpp"
#include "libmdp/io/state_list.hpp"

namespace mdp::io {

Mdp build_arrays(MdpArrays&& arrays, const std::string& file, const ReadOptions& options) {
  if (options.goal) {
    const auto n_states = static_cast<std::int64_t>(arrays.state_rows.size()) - 1;
    const auto goal = parse_state_list(*options.goal, n_states, arrays.names.states, file);
    arrays.goal.assign(goal.begin(), goal.end());
  }
  try {
    return build(
        std::move(arrays),
        {.row_sum_tolerance = options.row_sum_tolerance, .dead_ends = options.dead_ends, .threads = options.threads});
  } catch (const InvalidModel& error) {
    throw InputError(file, "", error.what());
  }
}

bool has_digits_beyond_double(const Discount& discount) {
  const Discount dyadic(discount.value.hi);
  return discount.value.lo != 0.0 || discount.complement.hi != dyadic.complement.hi ||
         discount.complement.lo != dyadic.complement.lo;
}

}  // namespace mdp::io
