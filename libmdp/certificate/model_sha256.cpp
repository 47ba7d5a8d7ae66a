#include "libmdp/certificate/certificate.hpp"
#include "libmdp/certificate/sha256.hpp"

namespace mdp::certificate {

std::string model_sha256(const io::ExactModel& model) {
  Sha256 hash;
  hash.add("mdp model 1\n").add(model.objective == Objective::minimize ? "minimize" : "maximize");
  hash.add("\nstates ").add(std::to_string(model.n_states));
  for (std::int64_t s = 0; s < model.n_states; ++s) {
    const auto at = static_cast<std::size_t>(s);
    for (std::int64_t row = model.state_rows[at]; row < model.state_rows[at + 1]; ++row) {
      const io::ExactModel::Row& r = model.rows[static_cast<std::size_t>(row)];
      hash.add("\n").add(std::to_string(s)).add(" ").add(r.inadmissible ? "inf" : r.cost.get_str());
      for (const auto& [next, p] : r.to) hash.add(" ").add(std::to_string(next)).add(":").add(p.get_str());
    }
  }
  hash.add("\ngoal");
  for (const std::int64_t s : model.goal) hash.add(" ").add(std::to_string(s));
  return hash.add("\n").hex();
}

}  // namespace mdp::certificate
