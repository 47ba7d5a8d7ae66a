// cli/world_and_model.hpp — commands that read a world and a model, and solve the world.
#pragma once

#include <string>

#include "cli/criterion_flags.hpp"
#include "cli/model_flags.hpp"
#include "cli/program.hpp"
#include "cli/solve_flags.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/result.hpp"

namespace mdp::cli {

/// --world, --model or --reference, --discount, --discount-model, and the flags of the world's solve.
class PairFlags {
 public:
  /// \param model_names     of the second option, e.g. "--model"
  /// \param model_required  without one, the model is the world itself
  void add_to(Command& command, const std::string& model_names, bool model_required);

  [[nodiscard]] Mdp world(const CommonFlags& common) const;
  /// Checked against the world: shapes, names, objective. \throws InvalidArgument
  [[nodiscard]] Mdp model(const Mdp& world, const CommonFlags& common) const;
  [[nodiscard]] const SolveFlags& solve() const { return solve_; }
  /// V* of the world, as the flags of solve ask.
  [[nodiscard]] solvers::SolveResult solve_world(const Mdp& world, const CommonFlags& common) const;

 private:
  std::string world_;
  std::string model_;
  std::string discount_model_;
  ModelFlags read_;
  CriterionFlags criterion_;
  SolveFlags solve_;
};

}  // namespace mdp::cli
