#include "equivalence/policy_equivalence.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "equivalence/infinite_policies.hpp"
#include "equivalence/policy_functionals.hpp"
#include "libmdp/io/extended.hpp"

namespace mdp::equivalence {
namespace {

using Weights = std::vector<std::int64_t>;

// Random interior policies tried for a witness once E2 is refuted: each fails to show it with probability 0 up to the finite grid.
constexpr int max_witness_policies = 64;

bool is_zero(const std::vector<mpq_class>& x) {
  return std::all_of(x.begin(), x.end(), [](const mpq_class& c) { return c == 0; });
}

class Decider {
 public:
  Decider(const io::ExactModel& world, const io::ExactModel& model, double time_limit_seconds)
      : world_(world),
        model_(model),
        time_limit_seconds_(time_limit_seconds),
        hopeless_(hopeless_part(world)),
        model_hopeless_(hopeless_part(model)) {}

  PolicyEquivalence operator()() {
    if (auto different = different_hopeless_rows()) return *different;
    for (std::int64_t s = 0; s < world_.n_states; ++s)
      each_row(s, [&](std::int64_t r) {
        f_.push_back(row_functional(world_, s, r));
        g_.push_back(row_functional(model_, s, r));
      });
    PolicyEquivalence result = finite_part();
    if (result.holds != Verdict::yes) return result;
    return infinite_part(std::move(result));
  }

 private:
  template <class F>
  void each_row(std::int64_t s, F&& f) const {
    for (auto r = world_.state_rows[at(s)]; r < world_.state_rows[at(s) + 1]; ++r) f(r);
  }
  [[nodiscard]] bool is_good(std::int64_t r) const { return hopeless_.rows[at(r)] == 0; }
  [[nodiscard]] bool is_live(std::int64_t s) const { return hopeless_.states[at(s)] == 0; }

  [[nodiscard]] Weights random_weights() {
    Weights weights(world_.rows.size(), 0);
    for (std::size_t r = 0; r < weights.size(); ++r) {
      if (hopeless_.rows[r] == 0) weights[r] = static_cast<std::int64_t>(1 + random_() % 97);
    }
    return weights;
  }

  // A pair that is finite for some policy in one MDP, for none in the other.
  [[nodiscard]] std::optional<PolicyEquivalence> different_hopeless_rows() const {
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      for (auto r = world_.state_rows[at(s)]; r < world_.state_rows[at(s) + 1]; ++r) {
        if (hopeless_.rows[at(r)] == model_hopeless_.rows[at(r)]) continue;
        const auto& finite = hopeless_.rows[at(r)] == 0 ? hopeless_ : model_hopeless_;
        PolicyEquivalence result{Verdict::no,
                                 s,
                                 Weights(world_.rows.size(), 0),
                                 0,
                                 "a policy that takes this action is finite in one, infinite in the other",
                                 infinity};
        for (std::int64_t t = 0; t < world_.n_states; ++t) {
          const bool any = finite.states[at(t)] != 0;
          each_row(t, [&](std::int64_t q) { result.weights[at(q)] = any || finite.rows[at(q)] == 0 ? 1 : 0; });
        }
        each_row(s, [&](std::int64_t q) { result.weights[at(q)] = q == r ? 1 : 0; });
        return result;
      }
    }
    return std::nullopt;
  }

  // kappa_s f_a = f^_a as they stand, row by row: enough, and often the case.
  [[nodiscard]] bool plainly_proportional() const {
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      std::optional<mpq_class> kappa;
      bool holds = true;
      each_row(s, [&](std::int64_t r) {
        if (!holds || !is_good(r)) return;
        if (!kappa) kappa = g_[at(r)].of(s) / f_[at(r)].of(s);
        holds = is_multiple(g_[at(r)], *kappa, f_[at(r)]);
      });
      if (!holds) return false;
    }
    return true;
  }

  // Whether the world's V^pi breaks the model's equations for pi; then the state where the values differ.
  [[nodiscard]] std::optional<PolicyEquivalence> shown_by(Weights weights) const {
    const auto values = weighted_values(world_, weights);
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      mpq_class defect = 0;
      each_row(s, [&](std::int64_t r) {
        if (weights[at(r)] != 0) defect += mpq_class(mpz_class(weights[at(r)])) * g_[at(r)](values);
      });
      if (defect != 0) return difference(std::move(weights), values);
    }
    return std::nullopt;
  }

  [[nodiscard]] PolicyEquivalence difference(Weights weights, const std::vector<mpq_class>& values) const {
    const auto in_model = weighted_values(model_, weights);
    std::int64_t s = 0;
    while (values[at(s)] == in_model[at(s)]) ++s;
    return {Verdict::no,
            s,
            std::move(weights),
            0,
            fmt::format("a randomised policy has value {:.6g} in the world, {:.6g} in the model", values[at(s)].get_d(),
                        in_model[at(s)].get_d()),
            io::round_down(io::Extended(mpq_class(abs(values[at(s)] - in_model[at(s)]))))};
  }

  // The states whose action changes no V^pi: the greatest set T such that, whatever the others do, every f_a of T vanishes at V^pi.
  // `indifferent_` shrinks; a state leaves when a policy proves that it matters, and stays when the reduced f_a are 0.
  void find_indifferent() {
    chosen_.assign(at(world_.n_states), -1);
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      each_row(s, [&](std::int64_t r) {
        if (chosen_[at(s)] < 0 && is_good(r)) chosen_[at(s)] = r;
      });
    }
    do {
      while (drop_those_that_matter()) {
      }
      kept_.clear();
      for (std::int64_t s = 0; s < world_.n_states; ++s) {
        if (is_live(s) && chosen_[at(s)] < 0) kept_.push_back(s);
      }
      elimination_.emplace(world_, chosen_, kept_);
    } while (drop_where_reduced_is_not_zero());
  }

  [[nodiscard]] bool drop_those_that_matter() {
    Weights weights = random_weights();
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      if (chosen_[at(s)] < 0) continue;
      each_row(s, [&](std::int64_t r) { weights[at(r)] = r == chosen_[at(s)] ? 1 : 0; });
    }
    const auto values = weighted_values(world_, weights);
    return drop([&](std::int64_t r) { return f_[at(r)](values) != 0; });
  }

  [[nodiscard]] bool drop_where_reduced_is_not_zero() {
    return drop([&](std::int64_t r) { return !is_zero(elimination_->reduce(f_[at(r)])); });
  }

  template <class Matters>
  bool drop(Matters&& matters) {
    bool dropped = false;
    for (std::int64_t s = 0; s < world_.n_states; ++s) {
      bool leaves = false;
      if (chosen_[at(s)] < 0) continue;
      each_row(s, [&](std::int64_t r) { leaves = leaves || (r != chosen_[at(s)] && is_good(r) && matters(r)); });
      if (leaves) chosen_[at(s)] = -1;
      dropped = dropped || leaves;
    }
    return dropped;
  }

  // The theorem's condition at one state.
  [[nodiscard]] bool condition_holds(std::int64_t s) const {
    const bool indifferent = chosen_[at(s)] >= 0;
    std::optional<mpq_class> kappa;
    bool holds = true;
    const auto place = std::lower_bound(kept_.begin(), kept_.end(), s) - kept_.begin();
    each_row(s, [&](std::int64_t r) {
      if (!holds || !is_good(r)) return;
      const auto g = elimination_->reduce(g_[at(r)]);
      if (indifferent) {
        holds = is_zero(g);
        return;
      }
      const auto f = elimination_->reduce(f_[at(r)]);
      if (!kappa) kappa = g[at(place)] / f[at(place)];
      for (std::size_t j = 0; holds && j < f.size(); ++j) holds = g[j] == *kappa * f[j];
    });
    return holds;
  }

  [[nodiscard]] PolicyEquivalence finite_part() {
    if (plainly_proportional()) {
      return {Verdict::yes,
              -1,
              {},
              0,
              "in each state the Bellman equations of all actions are those of the world times one number"};
    }
    if (auto shown = shown_by(random_weights())) return *shown;
    find_indifferent();
    bool holds = true;
    for (std::int64_t s = 0; holds && s < world_.n_states; ++s) holds = !is_live(s) || condition_holds(s);
    if (holds) {
      PolicyEquivalence result{Verdict::yes, -1, {}, 0, {}};
      result.n_indifferent = std::count_if(chosen_.begin(), chosen_.end(), [](auto r) { return r >= 0; });
      result.reason = fmt::format(
          "with the {} states whose actions never matter eliminated, the Bellman equations are those of the world "
          "times one "
          "number in each state",
          result.n_indifferent);
      return result;
    }
    for (int i = 0; i < max_witness_policies; ++i) {
      if (auto shown = shown_by(random_weights())) return *shown;
    }
    return {Verdict::no, -1, {}, 0, "the Bellman equations are not those of the world times one number in each state"};
  }

  // Where policies that meet inadmissible rows are infinite: the same states in both.
  [[nodiscard]] PolicyEquivalence infinite_part(PolicyEquivalence finite) const {
    const InfinitePolicies found = compare_infinite_policies(world_, model_, hopeless_, time_limit_seconds_);
    if (found.same == Verdict::yes) return finite;
    if (found.same == Verdict::undecided) {
      return {
          Verdict::undecided,
          -1,
          {},
          0,
          "finite policies agree; the time was over before it was known whether those that can meet an inadmissible "
          "action are infinite at the same states"};
    }
    PolicyEquivalence result{Verdict::no,
                             found.state,
                             Weights(world_.rows.size(), 0),
                             0,
                             "this policy is infinite in one, finite in the other",
                             infinity};
    for (const auto r : found.rows) result.weights[at(r)] = 1;
    return result;
  }

  const io::ExactModel& world_;
  const io::ExactModel& model_;
  double time_limit_seconds_;
  HopelessPart hopeless_, model_hopeless_;
  std::vector<Functional> f_, g_;     // [n_rows] of the world, of the model
  std::vector<std::int64_t> chosen_;  // [n_states] the row fixed in a state that seems indifferent, -1 elsewhere
  std::vector<std::int64_t> kept_;    // N, ascending
  std::optional<Elimination> elimination_;
  std::mt19937_64 random_{1};  // any seed: what random policies suggest is proved before it is said
};

}  // namespace

PolicyEquivalence decide_policy_equivalence(const io::ExactModel& world, const io::ExactModel& model,
                                            double time_limit_seconds) {
  return Decider(world, model, time_limit_seconds)();
}

}  // namespace mdp::equivalence
