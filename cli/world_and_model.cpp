#include "cli/world_and_model.hpp"

#include <algorithm>
#include <array>

#include "cli/watch.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/rational.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli {

void WorldFlags::add_to(Command& command, bool with_method, bool all_criteria) {
  all_criteria_ = all_criteria;
  command.parser()
      .add_option("--world", world_, "The world: .json, .npz, .umb, .tra or .drn")
      ->required()
      ->type_name("W");
  criterion_.add_to(command, all_criteria, all_criteria ? "--world-criterion,--criterion" : "--criterion");
  solve_.add_to(command, with_method);
  read_.add_to(command);
}

Mdp WorldFlags::world(const CommonFlags& common) const {
  Mdp world = read_.read(world_, common.threads);
  if (!all_criteria_) criterion_.require_discounted(world, read_);
  return world;
}

Mdp WorldFlags::read(const std::string& path, const CommonFlags& common) const {
  return read_.read_as_it_is(path, common.threads);
}

io::ExactModel WorldFlags::exact_world(const CommonFlags& common) const {
  return read_.read_exact(world_, common.threads);
}

solvers::SolveResult WorldFlags::solve_world(const Mdp& world, const CommonFlags& common) const {
  const solvers::SolveOptions options = solve_.options(common);
  Watch watch("solve world", common, expected_half_width(world, options));
  return solvers::solve(world, watch.on(options));
}

void PairFlags::add_to(Command& command, const std::string& model_names, bool model_required, bool all_criteria) {
  CLI::App& parser = command.parser();
  WorldFlags::add_to(command, true, all_criteria);
  parser
      .add_option(model_names, model_,
                  model_required ? "The model: the world's states and actions, other transitions"
                                 : "The rows to stay near to, e.g. a fit to data [the world]")
      ->required(model_required)
      ->type_name("M");
  parser.add_option("--discount-model", discount_model_, "Discount of the model, in place of its file's")
      ->type_name("G");
}

Mdp PairFlags::model(const Mdp& world, const CommonFlags& common) const {
  const Mdp model = model_.empty() ? world : read(model_, common);
  equivalence::require_same_shape(world, model);
  return discounted_as_asked(takes_discount_of_world() ? model.with_discount(world.exact_discount()) : model);
}

// Files of other checkers have no place for a discount.
bool PairFlags::takes_discount_of_world() const {
  return discount_model_.empty() && std::ranges::any_of(std::array{".tra", ".drn", ".drn.gz", ".drn.xz"},
                                                        [&](const char* end) { return model_.ends_with(end); });
}

Mdp PairFlags::discounted_as_asked(const Mdp& model) const {
  return discount_model_.empty() ? model : model.with_discount(parse_discount("--discount-model", discount_model_));
}

io::ExactModel PairFlags::exact_model(const CommonFlags& common) const {
  io::ExactModel model = files().read_exact_as_it_is(model_.empty() ? world_file() : model_, common.threads);
  if (!discount_model_.empty()) model.discount = io::parse_rational(discount_model_).value();
  if (takes_discount_of_world()) model.discount = exact_world(common).discount;
  return model;
}

}  // namespace mdp::cli
