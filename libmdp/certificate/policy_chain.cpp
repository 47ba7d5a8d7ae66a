#include "libmdp/certificate/policy_chain.hpp"

#include <map>

namespace mdp::certificate {

io::ExactModel policy_chain(const io::ExactModel& model, std::span<const mpq_class> weight, bool two_signs) {
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  io::ExactModel chain;
  chain.discount = model.discount;
  chain.objective = model.objective;
  chain.goal = model.goal;
  std::vector<io::ExactModel::Row> behind;
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    std::map<std::int64_t, mpq_class> to;
    mpq_class above, below;
    io::ExactModel::Row mean;
    for (std::int64_t row = model.state_rows[at(s)]; row < model.state_rows[at(s) + 1]; ++row) {
      if (weight[at(row)] == 0) continue;
      const io::ExactModel::Row& own = model.rows[at(row)];
      mean.inadmissible = mean.inadmissible || own.inadmissible;
      (own.cost > 0 ? above : below) += weight[at(row)] * own.cost;
      for (const auto& [next, p] : own.to) to[next] += weight[at(row)] * p;
    }
    mean.to.assign(to.begin(), to.end());
    if (two_signs && !mean.inadmissible && above != 0 && below != 0) {
      io::ExactModel::Row first;
      first.cost = above;
      first.to = {{model.n_states + static_cast<std::int64_t>(behind.size()), mpq_class(1)}};
      mean.cost = below;
      behind.push_back(std::move(mean));
      mean = std::move(first);
    } else if (!mean.inadmissible) {
      mean.cost = above + below;
    }
    chain.rows.push_back(std::move(mean));
  }
  for (auto& row : behind) chain.rows.push_back(std::move(row));
  chain.n_states = static_cast<std::int64_t>(chain.rows.size());
  for (std::int64_t s = 0; s <= chain.n_states; ++s) chain.state_rows.push_back(s);
  return chain;
}

}  // namespace mdp::certificate
