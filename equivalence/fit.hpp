// equivalence/fit.hpp — what classical fitting would have done (T11).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "libmdp/transition_data.hpp"

namespace mdp::equivalence {

/// The rows of a fit: which successors a pair may have.
enum class FitSupport {
  observed,   ///< the successors seen in the data
  world,      ///< those and the world's: what can happen is known, how often is not
  all_states  ///< every state: O(n_rows * n_states) memory
};

/// What a pair without data (and without pseudo-counts) becomes.
enum class UnseenPair {
  self_loop,  ///< stays where it is
  uniform,    ///< uniform over all states
  world,      ///< as in the world
  refuse      ///< InvalidArgument naming the first such pair
};

struct FitOptions {
  FitSupport support = FitSupport::observed;  ///< matters with smoothing > 0: successors without counts vanish
  /// Pseudo-count of every successor in the support (1 = Laplace, 1/2 = Jeffreys; the mean of the posterior under a
  /// Dirichlet prior with this parameter). >= 0, finite.
  double smoothing = 0.0;
  UnseenPair unseen = UnseenPair::self_loop;
  /// A larger result is refused with InvalidOption. >= 1.
  std::int64_t max_transitions = 1'000'000'000;

  [[nodiscard]] std::string check() const;  ///< "" or the first violated rule
};

/// Maximum likelihood:  rho^(s'|s,a) = (n(s,a,s') + alpha) / sum.
/// Everything but the transitions is the world's: shape, costs L(s,a), discount, initial distribution, names; its goal
/// states stay absorbing and cost-free whatever the data say.
/// With smoothing > 0 it is the mean of the posterior under a Dirichlet prior with that parameter.
/// \throws InvalidArgument, InvalidOption. Cost: the size of the result; from samples O(n log n) more.
[[nodiscard]] Mdp fit_maximum_likelihood(const Mdp& world, const TransitionCounts& counts,
                                         const FitOptions& options = {});
[[nodiscard]] Mdp fit_maximum_likelihood(const Mdp& world, const TransitionData& data, const FitOptions& options = {});

/// A draw from that posterior, rows independent: Dirichlet(n(s,a,.) + alpha) on the support. Without smoothing the
/// prior is the improper one with parameter 0 on the successors seen. The same row for the same seed, whatever the others.
[[nodiscard]] Mdp sample_posterior(const Mdp& world, const TransitionCounts& counts, const FitOptions& options,
                                   std::uint64_t seed);

/// Where `model` stores each successor that was seen: its transition, or -1 where it has none and the data are impossible.
/// In the order of `counts`, whose rows must be the model's. O(n log(row length)).
[[nodiscard]] std::vector<Offset> stored_at(const Mdp& model, const TransitionCounts& counts);

/// sum n(s,a,s') log rho^(s'|s,a), nats; -inf if the model forbids what was seen.
[[nodiscard]] double log_likelihood(const Mdp& model, const TransitionCounts& counts);

/// The deterministic model with the most frequent successor of each row, ties to the lowest state: on a maximum-likelihood
/// fit, the deterministic model that explains the most samples. O(n_transitions).
[[nodiscard]] Mdp most_likely_model(const Mdp& mdp);

/// Where the states lie: coordinates [n_states * dimension], state by state.
struct Embedding {
  int dimension = 0;
  std::span<const double> coordinates = {};
  /// State nearest a point [dimension]; empty: Euclidean, ties to the lowest state, by looking at every state.
  std::function<State(std::span<const double>)> nearest = {};
};

/// The deterministic mean model: each row goes to the state nearest sum_s' rho(s'|s,a) x(s').
/// \throws InvalidArgument if the embedding does not fit. Cost O(n_transitions * dimension) and one search a row.
[[nodiscard]] Mdp mean_model(const Mdp& mdp, const Embedding& embedding);

}  // namespace mdp::equivalence
