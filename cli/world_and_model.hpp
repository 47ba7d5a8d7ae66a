// cli/world_and_model.hpp — commands that read a world, and perhaps a model, and solve the world.
#pragma once

#include <string>
#include <utility>

#include "cli/criterion_flags.hpp"
#include "cli/model_flags.hpp"
#include "cli/program.hpp"
#include "cli/solve_flags.hpp"
#include "libmdp/mdp.hpp"
#include "solvers/result.hpp"

namespace mdp::io {
struct ExactModel;
}

namespace mdp::cli {

/// --world, --discount, and the flags of its solve.
class WorldFlags {
 public:
  /// \param with_method   whether the solver's --method is among them
  /// \param all_criteria  the world's criterion may be any (--world-criterion and what belongs to it), not discounted alone
  void add_to(Command& command, bool with_method = true, bool all_criteria = false);

  [[nodiscard]] Mdp world(const CommonFlags& common) const;
  /// Another file, read by the same flags, with its own discount.
  [[nodiscard]] Mdp read(const std::string& path, const CommonFlags& common) const;
  /// The world in rationals, the flags applied as above. Includers of libmdp/io/exact_model.hpp alone can call it.
  [[nodiscard]] io::ExactModel exact_world(const CommonFlags& common) const;
  [[nodiscard]] const SolveFlags& solve() const { return solve_; }
  /// For commands that have a level exact.
  void allow_exact() { solve_.allow_exact(); }
  /// With all_criteria: what the world is solved for, and the options of that; reads the terminal cost. \throws UsageError, InputError
  [[nodiscard]] solvers::Criterion world_criterion(const Mdp& world) const { return criterion_.choose(world, read_); }
  [[nodiscard]] solvers::CriterionOptions world_options(const Mdp& world, solvers::SolveOptions solve) const {
    return criterion_.options(world, std::move(solve));
  }
  [[nodiscard]] solvers::ExactLevelOptions exact_options(solvers::SolveOptions solve) const {
    return criterion_.exact_options(std::move(solve));
  }
  /// V* of the world, as the flags of solve ask.
  [[nodiscard]] solvers::SolveResult solve_world(const Mdp& world, const CommonFlags& common) const;

 protected:
  [[nodiscard]] const std::string& world_file() const { return world_; }
  [[nodiscard]] const ModelFlags& files() const { return read_; }

 private:
  bool all_criteria_ = false;
  std::string world_;
  ModelFlags read_;
  CriterionFlags criterion_;
  SolveFlags solve_;
};

/// The same for a world and a model: --model or --reference, --discount-model.
class PairFlags : public WorldFlags {
 public:
  /// \param model_names     of the second option, e.g. "--model"
  /// \param model_required  without one, the model is the world itself
  /// \param all_criteria    as in WorldFlags
  void add_to(Command& command, const std::string& model_names, bool model_required, bool all_criteria = false);

  /// Checked against the world: shapes, names, objective. \throws InvalidArgument
  [[nodiscard]] Mdp model(const Mdp& world, const CommonFlags& common) const;
  [[nodiscard]] bool names_model() const { return !model_.empty(); }
  /// A model that was not read, with the discount that the flags ask for.
  [[nodiscard]] Mdp discounted_as_asked(const Mdp& model) const;
  [[nodiscard]] bool takes_discount_of_world() const;
  /// The model in rationals, as WorldFlags::exact_world().
  [[nodiscard]] io::ExactModel exact_model(const CommonFlags& common) const;

 private:
  std::string model_;
  std::string discount_model_;
};

}  // namespace mdp::cli
