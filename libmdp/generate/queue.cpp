#include "libmdp/generate/queue.hpp"

#include <algorithm>
#include <cmath>

#include "libmdp/builder.hpp"
#include "libmdp/error.hpp"
#include "libmdp/generate/dyadic.hpp"
#include "libmdp/generate/limits.hpp"

namespace mdp::generate {
namespace {

/// Customers per queue, and what one more in a queue adds to the number of the state.
struct Lengths {
  std::vector<std::int64_t> customers, step;
  std::int64_t total = 0, busy = 0;
};

Lengths lengths_of(std::int64_t state, const QueueOptions& o) {
  Lengths x;
  x.customers.resize(static_cast<std::size_t>(o.queues));
  x.step.resize(x.customers.size());
  std::int64_t step = 1;
  for (std::size_t j = x.customers.size(); j-- > 0; step *= o.capacity + 1) {
    x.step[j] = step;
    x.customers[j] = state / step % (o.capacity + 1);
    x.total += x.customers[j];
    x.busy += x.customers[j] > 0 ? 1 : 0;
  }
  return x;
}

/// \param to  the queue that takes an arrival, or -1: it is turned away
void add_row(MdpBuilder& builder, std::int64_t state, const Lengths& x, std::int64_t to, std::size_t rate,
             const QueueOptions& o) {
  const double cost = o.holding_cost * static_cast<double>(x.total) + o.rates[rate].cost * static_cast<double>(x.busy);
  const std::string where = to < 0 ? "reject" : "to " + std::to_string(to);
  builder.row(state, to < 0 ? cost + o.reject_cost * o.arrival : cost, where + ", rate " + std::to_string(rate));
  std::vector<std::int64_t> next;
  std::vector<double> p;
  double nothing = 1.0;
  const auto event = [&](std::int64_t target, double probability) {
    next.push_back(target);
    p.push_back(probability);
    nothing -= probability;
  };
  if (to >= 0) event(state + x.step[static_cast<std::size_t>(to)], o.arrival);
  for (std::size_t j = 0; j < x.customers.size(); ++j) {
    if (x.customers[j] > 0) event(state - x.step[j], o.rates[rate].probability);
  }
  event(state, std::max(nothing, 0.0));
  add_rounded(builder, next, p);
}

}  // namespace

std::string QueueOptions::check() const {
  if (auto broken = check_count("queues", queues, 8); !broken.empty()) return broken;
  if (auto broken = check_count("capacity", capacity, max_n_states - 1); !broken.empty()) return broken;
  if (bounded_power(capacity + 1, queues, max_n_states) < 0) return "(capacity + 1)^queues exceeds 2^31 - 2 states";
  if (auto broken = check_amount("arrival", arrival, 1.0); !broken.empty()) return broken;
  if (auto broken = check_amount("holding_cost", holding_cost, max_amount); !broken.empty()) return broken;
  if (auto broken = check_amount("reject_cost", reject_cost, max_amount); !broken.empty()) return broken;
  if (rates.empty()) return "rates is empty, required at least one";
  for (const ServiceRate& rate : rates) {
    if (auto broken = check_amount("rates: cost", rate.cost, max_amount); !broken.empty()) return broken;
    if (auto broken = check_amount("rates: probability", rate.probability, 1.0); !broken.empty()) return broken;
    const double sum = arrival + static_cast<double>(queues) * rate.probability;
    if (!(sum <= 1.0 + 1e-12)) {
      return "arrival + queues * service probability = " + std::to_string(sum) + ", required at most 1";
    }
  }
  return "";
}

Mdp queue(const QueueOptions& options) {
  if (const auto broken = options.check(); !broken.empty()) throw InvalidOption("queue: " + broken);
  const std::int64_t n_states = bounded_power(options.capacity + 1, options.queues, max_n_states);
  const std::int64_t most_rows = n_states * (options.queues + 1) * static_cast<std::int64_t>(options.rates.size());
  MdpBuilder builder(n_states);
  builder.reserve(most_rows, most_rows * (options.queues + 2));
  builder.discount(options.discount);
  for (std::int64_t state = 0; state < n_states; ++state) {
    const Lengths x = lengths_of(state, options);
    for (std::int64_t to = -1; to < options.queues; ++to) {
      if (to >= 0 && x.customers[static_cast<std::size_t>(to)] == options.capacity) continue;
      for (std::size_t rate = 0; rate < options.rates.size(); ++rate) add_row(builder, state, x, to, rate, options);
    }
  }
  return builder.build();
}

}  // namespace mdp::generate
