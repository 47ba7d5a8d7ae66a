// Parametrisations from .npz (theory.md, section 4) are those built by hand.
#include "solvers/parametric_file.hpp"

#include <array>
#include <functional>
#include <string>

#include <catch2/catch.hpp>

#include "libmdp/error.hpp"
#include "libmdp/generate/garnet.hpp"
#include "libmdp/io/npz.hpp"
#include "solvers/parametric.hpp"
#include "tests/support/paths.hpp"

namespace {

using namespace mdp;
using namespace mdp::solvers;

using Ints = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

Mdp base() {
  return generate::garnet({.shape = {.states = 3, .actions = 2, .successors = 2}, .discount = 0.875, .seed = 4});
}

// An .npz file of what `fill` adds.
std::string file(const tests::TemporaryFolder& folder, const std::function<void(io::NpzWriter&)>& fill) {
  const std::string path = (folder / "family.npz").string();
  io::NpzWriter out(path);
  fill(out);
  out.commit();
  return path;
}

}  // namespace

TEST_CASE("Parametrisations in .npz: dense features, a mask, offsets and theta are those of a family") {
  const tests::TemporaryFolder folder;
  const Mdp m = base();  // 6 rows, 12 transitions
  Numbers phi(12), mask_logits(12, 0.0);
  for (std::size_t i = 0; i < phi.size(); ++i) phi[i] = i % 5 == 0 ? 0.0 : 0.25 * static_cast<double>(i);
  Ints mask(12, 0);
  mask[3] = mask[8] = 1;
  const Parametrisation p =
      read_parametrisation(file(folder,
                                [&](io::NpzWriter& out) {
                                  out.add("cost_features", phi, std::array<std::int64_t, 2>{6, 2});
                                  out.add("transition_mask", mask);
                                  out.add("theta", Numbers{1.0, 2.0, -0.5, 0.25});
                                  out.add("policy_offset", Numbers(6, 0.5));
                                }),
                           m);
  REQUIRE((p.cost_features && p.transition_features));
  CHECK(!p.policy_features);
  CHECK(p.policy_offset == Numbers(6, 0.5));
  const ParametricMdp family(m, {cost_features(*p.cost_features), softmax_transitions(m, *p.transition_features)});
  REQUIRE(family.n_parameters() == 4);
  const Mdp at = family.at(p.theta);
  for (Offset row = 0; row < 6; ++row) {
    CHECK(at.cost()[row] == Approx(m.cost()[row] + phi[2 * row] + 2.0 * phi[2 * row + 1]));
  }
  mask_logits[3] = -0.5;
  mask_logits[8] = 0.25;
  const Mdp tilted = ParametricMdp(m, {softmax_transitions(m)}).at(mask_logits);
  CHECK(std::equal(at.probability().begin(), at.probability().end(), tilted.probability().begin()));
}

TEST_CASE("Parametrisations in .npz: what is written is read, sparse as it is") {
  const tests::TemporaryFolder folder;
  const Mdp m = base();
  Parametrisation p;
  p.cost_features = RowFeatures::identity(m);
  p.policy_features = RowFeatures::shared(m, Ints{0, 1, 0});
  p.transition_features = RowFeatures{3, {0, 1, 1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4}, {2, 0, 1, 2}, {1.5, -1.0, 2.0, 0.5}};
  p.policy_offset = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
  p.theta = {0.125, -3.0};
  const std::string path = (folder / "p.npz").string();
  write_parametrisation(path, p);
  const Parametrisation again = read_parametrisation(path, m);
  const auto same = [](const std::optional<RowFeatures>& x, const std::optional<RowFeatures>& y) {
    return x && y && x->n_parameters == y->n_parameters && x->begin == y->begin && x->parameter == y->parameter &&
           x->value == y->value;
  };
  CHECK(same(again.cost_features, p.cost_features));
  CHECK(same(again.policy_features, p.policy_features));
  CHECK(same(again.transition_features, p.transition_features));
  CHECK(again.policy_offset == p.policy_offset);
  CHECK(again.theta == p.theta);
}

TEST_CASE("Parametrisations in .npz: what is wrong is named") {
  const tests::TemporaryFolder folder;
  const Mdp m = base();
  const auto complaint = [&](const std::function<void(io::NpzWriter&)>& fill) -> std::string {
    try {
      static_cast<void>(read_parametrisation(file(folder, fill), m));
    } catch (const InputError& error) {
      return error.place() + ": " + error.what();
    }
    return "";
  };
  const auto sparse = [&](Ints begin, Ints parameters, Numbers values, std::int64_t columns) {
    return complaint([&](io::NpzWriter& out) {
      out.add("cost_features_indptr", begin);
      out.add("cost_features_indices", parameters);
      out.add("cost_features_data", values);
      out.add("cost_features_columns", std::span(&columns, 1), {});
    });
  };
  using Catch::Contains;
  const Ints ascending{0, 1, 1, 1, 1, 1, 1};
  CHECK(sparse(ascending, {1}, {2.0}, 2).empty());
  CHECK_THAT(sparse(ascending, {2}, {2.0}, 2), Contains("cost_features_indices") && Contains("not among 0 .. 1"));
  CHECK_THAT(sparse({0, 1, 0, 1, 1, 1, 1}, {1}, {2.0}, 2), Contains("must ascend from 0"));
  CHECK_THAT(sparse({0, 1}, {1}, {2.0}, 2), Contains("is for 1 state-action pairs, the model has 6"));
  CHECK_THAT(sparse(ascending, {1}, {infinity}, 2),
             Contains("cost_features_data") && Contains("entry 0 is not finite"));
  CHECK_THAT(sparse(ascending, {1}, {1.0}, 0), Contains("at least 1"));
  CHECK_THAT(sparse(ascending, {1, 0}, {1.0}, 2), Contains("cost_features_indices"));
  CHECK_THAT(complaint([](io::NpzWriter& out) {
               out.add("cost_features_indptr", Ints{0, 0, 0, 0, 0, 0, 0});
             }),
             Contains("is missing"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("cost_feature", Numbers{1.0}); }),
             Contains("is not an array of a parametrisation"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("cost_features", Numbers(6, 1.0)); }), Contains("two axes"));
  CHECK_THAT(complaint([](io::NpzWriter& out) {
               out.add("policy_features", Numbers(8, 1.0), std::array<std::int64_t, 2>{4, 2});
             }),
             Contains("policy_features") && Contains("is for 4 state-action pairs, the model has 6"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("transition_mask", Ints(11, 1)); }),
             Contains("is for 11 stored transitions, the model has 12"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("transition_mask", Ints(12, 2)); }), Contains("0 or 1"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("transition_mask", Ints(12, 0)); }), Contains("frees no"));
  CHECK_THAT(complaint([](io::NpzWriter& out) {
               out.add("transition_mask", Ints(12, 1));
               out.add("transition_features", Numbers(12, 1.0), std::array<std::int64_t, 2>{12, 1});
             }),
             Contains("exclude each other"));
  CHECK_THAT(complaint([](io::NpzWriter& out) { out.add("policy_offset", Numbers(5, 1.0)); }),
             Contains("policy_offset"));
  CHECK_THAT(complaint([](io::NpzWriter& out) {
               out.add("theta", Numbers{0.0, infinity});
             }),
             Contains("theta") && Contains("entry 1 is not finite"));
  CHECK_THROWS_WITH(read_parametrisation("family.json", m), Catch::Contains("are read from .npz"));
  CHECK_THROWS_AS(read_parametrisation((folder / "none.npz").string(), m), InputError);
}
