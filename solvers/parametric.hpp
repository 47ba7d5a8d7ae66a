// solvers/parametric.hpp — MDPs whose entries depend on parameters (theory.md, section 4).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmdp/mdp.hpp"
#include "solvers/derivative.hpp"
#include "solvers/policy_class.hpp"

namespace mdp::solvers {

/// The entries of an MDP of fixed support: costs per row, probabilities per stored transition, the discount.
using Entries = EntryDirection;

/// One way in which parameters move entries. Entries that come in (of the base, or of the parts before) are changed;
/// derivatives are with respect to the own parameters and to what came in.
class ParametricPart {
 public:
  virtual ~ParametricPart() = default;
  [[nodiscard]] virtual std::int64_t n_parameters() const = 0;
  /// A point of the domain.
  [[nodiscard]] virtual std::vector<double> start() const = 0;
  /// "" or the rule that theta breaks.
  [[nodiscard]] virtual std::string violated(std::span<const double> /*theta*/) const { return ""; }
  /// The nearest point of the domain (Euclidean).
  virtual void project(std::span<double> /*theta*/) const {}
  virtual void apply(std::span<const double> theta, Entries& entries) const = 0;
  /// `direction` of what comes in -> of what goes out. \param before  what came in
  virtual void push_forward(std::span<const double> theta, const Entries& before, std::span<const double> d_theta,
                            EntryDirection& direction) const = 0;
  /// `gradient` by what goes out -> by what came in; that by theta is added to `d_theta`.
  virtual void pull_back(std::span<const double> theta, const Entries& before, EntryGradient& gradient,
                         std::span<double> d_theta) const = 0;
};

using Part = std::shared_ptr<const ParametricPart>;

/// L += Phi theta.
[[nodiscard]] Part cost_features(RowFeatures features);
/// L += theta, one parameter per row: the additive table.
[[nodiscard]] Part cost_table(const Mdp& base);
/// p ∝ p exp(theta), one logit per stored transition: the support never changes. Gauge: a constant per row.
[[nodiscard]] Part softmax_transitions(const Mdp& base);
/// p ∝ p exp(Psi theta): logits that share parameters. \param features  Psi, items are stored transitions
[[nodiscard]] Part softmax_transitions(const Mdp& base, RowFeatures features);
/// gamma = theta, in [lowest, highest] within (0, 1). \throws InvalidArgument
[[nodiscard]] Part discount_parameter(double start, double lowest, double highest);

/// What a user's own family computes, by callables on theta: values and Jacobian products.
struct UserFamily {
  std::int64_t n_parameters = 0;
  std::vector<double> start = {};  ///< [n_parameters]
  std::function<Entries(std::span<const double> theta)> values;
  std::function<EntryDirection(std::span<const double> theta, std::span<const double> d_theta)> jvp;
  /// Optional: without it the transpose is taken by n_parameters calls of jvp.
  std::function<std::vector<double>(std::span<const double> theta, const EntryGradient&)> vjp = {};
  std::function<std::string(std::span<const double> theta)> violated = {};  ///< optional domain
};
/// Entries as the callables say, whatever came in.
[[nodiscard]] Part user_defined(UserFamily family);

/// Where Jacobian products and differences of the values disagree most.
struct ParametricCheck {
  double max_error = 0.0;  ///< largest |jvp - difference| / max(1, |difference|)
  std::int64_t parameter = -1;
  std::string entry;          ///< "cost[3]", "probability[17]", "discount"
  double jvp = not_computed;  ///< of that entry by that parameter
  double difference = not_computed;
  double adjoint_defect = 0.0;  ///< largest |<g, J u> - <J^T g, u>| relative to its terms
};

/// (L_theta, P_theta, gamma_theta) of fixed support: a base MDP and parts that change its entries one after the other.
/// theta is the parts' parameters in order. Rows must stay distributions: parts move them along directions that sum to 0.
class ParametricMdp {
 public:
  ParametricMdp(Mdp base, std::vector<Part> parts);

  [[nodiscard]] const Mdp& base() const noexcept { return base_; }
  [[nodiscard]] std::int64_t n_parameters() const noexcept { return first_.back(); }
  /// First parameter of each part, [n_parts+1].
  [[nodiscard]] std::span<const std::int64_t> first_parameter() const noexcept { return first_; }
  [[nodiscard]] std::vector<double> start() const;
  /// "" or the rule that theta breaks, naming the part.
  [[nodiscard]] std::string violated(std::span<const double> theta) const;
  [[nodiscard]] std::vector<double> project(std::vector<double> theta) const;

  /// The MDP at theta, transitions stored as in base().
  /// \throws InvalidArgument  theta outside its domain, entries that are not those of an MDP, or a probability of a stored
  ///         transition that is 0: the support must not depend on theta
  [[nodiscard]] Mdp at(std::span<const double> theta) const;
  /// Forward: how the entries move when theta moves along u.
  [[nodiscard]] EntryDirection jvp(std::span<const double> theta, std::span<const double> u) const;
  /// Reverse: the gradient by theta of what has `gradient` by the entries.
  [[nodiscard]] std::vector<double> vjp(std::span<const double> theta, EntryGradient gradient) const;
  /// jvp against central differences of every entry and parameter, and vjp against jvp. Cost: 2 n_parameters values.
  [[nodiscard]] ParametricCheck check(std::span<const double> theta) const;

 private:
  [[nodiscard]] Entries entries(std::span<const double> theta) const;
  [[nodiscard]] std::span<const double> block(std::span<const double> theta, std::size_t part) const;
  void require_domain(std::span<const double> theta) const;
  void leave_inadmissible(EntryDirection& direction) const;

  Mdp base_;
  std::vector<Part> parts_;
  std::vector<std::int64_t> first_;
};

/// sum_i theta_i M_i over costs and probabilities, theta in the simplex with theta_i >= floor; base() is the even mixture
/// on the union of the supports, at the models' common discount.
/// \param floor  > 0 unless all models have the same support. \throws InvalidArgument models of different shape, discount
[[nodiscard]] ParametricMdp mixture(std::span<const Mdp> models, double floor = 1e-6, std::vector<Part> further = {});

}  // namespace mdp::solvers
