// libmdp/generate/queue.hpp — control of arrivals and of service rates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"

namespace mdp::generate {

/// A speed at which servers can work for a period.
struct ServiceRate {
  double probability = 0.25;  ///< that a busy server completes a customer in a period
  double cost = 0.0;          ///< per busy server and period
};

struct QueueOptions {
  std::int64_t queues = 1;     ///< parallel queues with a server each, 1 .. 8
  std::int64_t capacity = 50;  ///< customers per queue; states (capacity+1)^queues
  double arrival = 0.25;       ///< probability of an arrival in a period, [0, 1]
  std::vector<ServiceRate> rates = {{0.125, 0.0}, {0.25, 1.0}, {0.375, 3.0}};  ///< at least one
  double holding_cost = 1.0;                                                   ///< per customer and period; >= 0
  double reject_cost = 20.0;                                                   ///< per customer turned away; >= 0
  Discount discount = 0.99;                                                    ///< [0, 1]

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// At most one event per period (uniformisation): an arrival, or a completion at one of the servers; the rest of the
/// time nothing happens. Actions: turn the next arrival away or send it to a queue that is not full, times the rate of
/// the servers. State x_1 (capacity+1)^(d-1) + … + x_d. No goal; every policy leads everywhere that the arrivals reach.
/// \throws InvalidOption.  Source: Puterman (2005), section 11.5; Lippman (1975).
[[nodiscard]] Mdp queue(const QueueOptions& options = {});

}  // namespace mdp::generate
