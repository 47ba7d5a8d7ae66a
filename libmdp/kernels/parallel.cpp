#include "libmdp/kernels/parallel.hpp"

#include <omp.h>

namespace mdp::kernels {

int n_threads(int requested) noexcept { return requested >= 1 ? requested : omp_get_max_threads(); }

}  // namespace mdp::kernels
