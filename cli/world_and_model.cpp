#include "cli/world_and_model.hpp"

#include "cli/watch.hpp"
#include "equivalence/shape.hpp"
#include "libmdp/io/exact_model.hpp"
#include "libmdp/io/rational.hpp"
#include "solvers/solve.hpp"

namespace mdp::cli {

void PairFlags::add_to(Command& command, const std::string& model_names, bool model_required, bool all_criteria) {
  all_criteria_ = all_criteria;
  CLI::App& parser = command.parser();
  parser.add_option("--world", world_, "The world: .json, .npz, .umb, .tra or .drn")->required()->type_name("W");
  parser
      .add_option(model_names, model_,
                  model_required ? "The model: the world's states and actions, other transitions"
                                 : "The rows to stay near to, e.g. a fit to data [the world]")
      ->required(model_required)
      ->type_name("M");
  parser.add_option("--discount-model", discount_model_, "Discount of the model, in place of its file's")
      ->type_name("G");
  criterion_.add_to(command, all_criteria, all_criteria ? "--world-criterion,--criterion" : "--criterion");
  solve_.add_to(command);
  read_.add_to(command);
}

Mdp PairFlags::world(const CommonFlags& common) const {
  Mdp world = read_.read(world_, common.threads);
  if (!all_criteria_) criterion_.require_discounted(world, read_);
  return world;
}

Mdp PairFlags::model(const Mdp& world, const CommonFlags& common) const {
  const Mdp model = model_.empty() ? world : read_.read_as_it_is(model_, common.threads);
  equivalence::require_same_shape(world, model);
  return discount_model_.empty() ? model : model.with_discount(parse_discount("--discount-model", discount_model_));
}

Mdp PairFlags::read(const std::string& path, const CommonFlags& common) const {
  return read_.read_as_it_is(path, common.threads);
}

io::ExactModel PairFlags::exact_world(const CommonFlags& common) const {
  return read_.read_exact(world_, common.threads);
}

io::ExactModel PairFlags::exact_model(const CommonFlags& common) const {
  io::ExactModel model = read_.read_exact_as_it_is(model_.empty() ? world_ : model_, common.threads);
  if (!discount_model_.empty()) model.discount = io::parse_rational(discount_model_).value();
  return model;
}

solvers::SolveResult PairFlags::solve_world(const Mdp& world, const CommonFlags& common) const {
  const solvers::SolveOptions options = solve_.options(common);
  Watch watch("solve world", common, expected_half_width(world, options));
  return solvers::solve(world, watch.on(options));
}

}  // namespace mdp::cli
