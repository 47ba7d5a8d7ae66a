"""equivalent-cost, equivalent-model, gradient and estimate: keys, and that the numbers fit together."""
import json
import math
import unittest

import program

# A world on three states, and a model of it that is wrong.
WORLD = {
    "format": "mdp", "version": 1, "objective": "minimize", "discount": 0.9, "states": 3, "initial": [[0, 1]],
    "choices": [
        {"state": 0, "action": "a", "cost": 1, "to": [[0, 0.5], [1, 0.5]]},
        {"state": 0, "action": "b", "cost": 2, "to": [[2, 0.9], [0, 0.1]]},
        {"state": 1, "action": "a", "cost": 4, "to": [[1, 0.5], [0, 0.5]]},
        {"state": 1, "action": "b", "cost": 3, "to": [[2, 0.3], [1, 0.7]]},
        {"state": 2, "action": "a", "cost": 0.5, "to": [[2, 0.8], [1, 0.2]]},
    ],
}  # fmt: skip
MODEL = dict(WORLD, choices=[dict(c, to=[[c["to"][0][0], 1]]) for c in WORLD["choices"]])
LENGTHS = [2, 2, 1]


def in_rewards(model):
    return program.maximised(model)


class EquivalentCost(program.ProgramTest):
    KEYS = """status level scope criterion objective discount cost q value condition_number cost_error_bound q_error_bound
              q_distance technical_condition seconds""".split()

    def check(self, world, model, *flags):
        world, model = self.write("world.json", world), self.write("model.json", model)
        result = self.json("equivalent-cost", "--world", world, "--model", model, "--output", "equivalent.json", *flags)
        for key in self.KEYS:
            self.assertIn(key, result)
        self.assert_shaped(result["cost"], LENGTHS)
        self.assertEqual(result["status"], "converged")
        self.assertTrue(result["technical_condition"]["holds"])
        self.assertLess(result["q_error_bound"], 1e-7)
        self.assertLessEqual(result["q_distance"]["lower"], result["q_distance"]["upper"])
        truth = self.json("solve", world)
        solved = self.json("solve", "equivalent.json")
        self.assertEqual(solved["policy"], truth["policy"])
        self.assertEqual(solved["objective"], truth["objective"])
        for q, q_world in zip(sum(solved["q"], []), sum(truth["q"], [])):
            self.assertAlmostEqual(q, q_world, delta=1e-7)
        return result

    def test_minimising_and_maximising(self):
        low = self.check(WORLD, MODEL)
        high = self.check(in_rewards(WORLD), in_rewards(MODEL))
        self.assertEqual(high["cost"], [[-c for c in state] for state in low["cost"]])

    def test_another_discount(self):
        result = self.check(WORLD, MODEL, "--discount-model", "1/2")
        self.assertEqual(result["discount"], 0.5)
        zero = self.check(WORLD, MODEL, "--discount-model", "0")
        for cost, q in zip(sum(zero["cost"], []), sum(zero["q"], [])):
            self.assertAlmostEqual(cost, q, delta=1e-7)  # T1 at discount 0: the cost is Q*

    def test_discount_one_is_decided_by_the_boundary_term(self):
        world = self.write("world.json", WORLD)  # one recurrent class: M(c), c the average of V* there (T3)
        result = self.json("equivalent-cost", "--world", world, "--model", world, "--discount-model", "1")
        self.assertEqual((result["status"], result["criterion"]), ("converged", "total"))
        self.assertEqual(result["boundary_term"]["holds"], "yes")
        self.assertGreater(result["shift"]["lower"], 1)

    def test_violations_have_a_witness(self):
        choices = [dict(c) for c in WORLD["choices"]]
        choices[4]["cost"] = "inf"  # state 2 is impossible, and the model goes there from (1, b)
        choices[0] = dict(choices[0], to=[[0, 0.5], [1, 0.5]])
        world = dict(WORLD, choices=choices)
        model_choices = [dict(c) for c in choices]
        model_choices[2] = dict(model_choices[2], to=[[2, 1]])
        world, model = self.write("world.json", world), self.write("model.json", dict(WORLD, choices=model_choices))
        result = self.json("equivalent-cost", "--world", world, "--model", model, code=1)
        self.assertEqual(result["status"], "refused")
        condition = result["technical_condition"]
        self.assertFalse(condition["holds"])
        violation = condition["violations"][0]
        self.assertEqual((violation["state"], violation["action"], violation["next_state"]), (1, 0, 2))
        self.assertEqual(violation["path"][-1], [1, 0])


class EquivalentModel(program.ProgramTest):
    def test_nearest_to_a_reference(self):
        reference = dict(WORLD, choices=[dict(c, to=[[0, 0.2], [1, 0.3], [2, 0.5]]) for c in WORLD["choices"]])
        world, reference = self.write("world.json", WORLD), self.write("reference.json", reference)
        result = self.json("equivalent-model", "--world", world, "--reference", reference, "--output", "near.json")
        for key in ("status", "level", "scope", "objective", "discount", "feasible", "transitions", "divergence",
                    "divergence_total", "divergence_max", "infeasible_rows", "epsilon", "q_error_bound", "seconds"):  # fmt: skip
            self.assertIn(key, result)
        self.assertTrue(result["feasible"])
        self.assertEqual(result["infeasible_rows"], [])
        self.assert_shaped(result["divergence"], LENGTHS)
        self.assertGreater(result["divergence_total"], 0)
        self.assertEqual(len(result["transitions"]), 15)
        value = self.json("solve", world)["value"]
        for i, choice in enumerate(WORLD["choices"]):  # T6: the moment of every row
            moment = sum(p * value[to] for to, p in choice["to"])
            row = [(s, p) for s, a, to, p in result["transitions"][3 * i : 3 * i + 3] for s in [to]]
            self.assertAlmostEqual(sum(p for _, p in row), 1, delta=1e-12)
            self.assertAlmostEqual(sum(p * value[to] for to, p in row), moment, delta=1e-7)
        near = self.json("solve", "near.json")
        for v, w in zip(near["value"], value):
            self.assertAlmostEqual(v, w, delta=1e-6)
        # Small models go into text in rationals: equivalent without an error.
        self.assertTrue(result["output_exact"])
        self.mdp("check", "--world", world, "--model", "near.json", "--require", "E3")
        flags = ("equivalent-model", "--world", world, "--reference", reference, "--level", "certified")
        self.assertFalse(self.json(*flags, "--output", "rounded.json")["output_exact"])
        self.assertEqual(self.json("check", "--world", world, "--model", "rounded.json")["levels"]["E3"]["holds"], "no")

    def test_a_model_that_does_not_discount_is_solved(self):
        chain = [{"state": s, "cost": 1 - s // 2, "to": [[min(s + 1, 2), 1]]} for s in range(3)]
        world = self.write("chain.json", {"format": "mdp", "version": 1, "discount": "1/2", "states": 3, "choices": chain})
        flags = ("equivalent-model", "--world", world, "--discount-model", "1", "--support", "all", "--divergence", "l1")
        result = self.json(*flags)
        self.assertEqual(result["status"], "converged")
        self.assertEqual(result["confirmation"]["by"], "gain and bias")
        self.assertLess(result["confirmation"]["error"]["upper"], 1e-9)

    def test_the_world_is_the_default_reference(self):
        result = self.json("equivalent-model", "--world", self.write("world.json", WORLD))
        self.assertEqual(result["divergence_total"], 0)

    def test_infeasible_rows_are_listed(self):
        world, model = self.write("world.json", WORLD), self.write("model.json", MODEL)
        result = self.json("equivalent-model", "--world", world, "--reference", model, code=1)
        self.assertEqual(result["status"], "refused")
        self.assertFalse(result["feasible"])
        for s, a, tau, low, high in result["infeasible_rows"]:
            self.assertTrue(tau < low or tau > high)
        self.assertGreater(result["epsilon"], 0)
        # Without a future no row has V* > 0 ahead of it: tau = gamma E[V*]/0.
        for objective, tau in ((lambda model: model, "inf"), (program.maximised, "-inf")):
            world = self.write("world.json", objective(WORLD))
            blind = self.json("equivalent-model", "--world", world, "--discount-model", 0, code=1)
            self.assertTrue(blind["infeasible_rows"])
            self.assertEqual({row[2] for row in blind["infeasible_rows"]}, {tau})


    DIVERGENCES = "kl reverse-kl likelihood chi2 l2 l1 wasserstein sparsest".split()

    def moments(self, result, world):
        """E[V*] of every row of the model, in the order of the choices."""
        value = self.json("solve", world)["value"]
        moments = {}
        for s, a, to, p in result["transitions"]:
            moments[s, a] = moments.get((s, a), 0) + p * value[to]
        return list(moments.values()), value

    def test_every_divergence_and_support(self):
        reference = dict(WORLD, choices=[dict(c, to=[[0, 0.2], [1, 0.3], [2, 0.5]]) for c in WORLD["choices"]])
        world, reference = self.write("world.json", WORLD), self.write("reference.json", reference)
        for divergence in self.DIVERGENCES:
            for support in ("reference", "all", "union", "within:2", f"mask:{reference}"):
                flags = ("--divergence", divergence, "--support", support, "--output", "m.json")
                result = self.json("equivalent-model", "--world", world, "--reference", reference, *flags)
                self.assertTrue(result["feasible"])
                self.assertLess(result["q_error_bound"], 1e-7)
                self.assertLess(result["duality_gap_max"], 1e-12)
                moments, value = self.moments(result, world)
                for moment, choice in zip(moments, WORLD["choices"]):
                    self.assertAlmostEqual(moment, sum(p * value[to] for to, p in choice["to"]), delta=1e-7)
                for v, w in zip(self.json("solve", "m.json")["value"], value):
                    self.assertAlmostEqual(v, w, delta=1e-6)
        # l1 undercuts every other model in l1.
        rows = {}
        for divergence in ("l1", "kl"):
            result = self.json("equivalent-model", "--world", world, "--reference", reference, "--divergence", divergence)
            given = [0.2, 0.3, 0.5] * 5
            chance = {(s, a, to): p for s, a, to, p in result["transitions"]}
            keys = [(s, a, to) for s in range(3) for a in range(LENGTHS[s]) for to in range(3)]
            rows[divergence] = sum(abs(chance.get(k, 0) - r) for k, r in zip(keys, given))
        self.assertLessEqual(rows["l1"], rows["kl"] + 1e-12)

    def test_another_discount_and_its_shifts(self):
        for turn in (lambda m: m, in_rewards):
            world = self.write("world.json", turn(WORLD))
            flags = ("--discount-model", "0.8", "--support", "all", "--divergence", "l1")
            auto = self.json("equivalent-model", "--world", world, *flags, "--shift", "auto", "--output", "m.json")
            low, high = auto["shift_interval"]
            self.assertLessEqual(low, auto["shift"])
            self.assertLessEqual(auto["shift"], high)
            world_q = sum(self.json("solve", world)["q"], [])
            for q, w in zip(sum(self.json("solve", "m.json")["q"], []), world_q):
                self.assertAlmostEqual(q, w + auto["shift"], delta=1e-6)  # T7
            for c in (0.75 * low + 0.25 * high, 0.25 * low + 0.75 * high):
                other = self.json("equivalent-model", "--world", world, *flags, "--shift", repr(c))
                self.assertEqual(other["shift"], c)
                self.assertGreaterEqual(other["divergence_total"], auto["divergence_total"] - 1e-9)
            beyond = self.json("equivalent-model", "--world", world, *flags, "--shift", repr(high + 1), code=1)
            self.assertFalse(beyond["feasible"])
        # V* of both states is 1/(1 - gamma): a discount of 0 asks for c = -gamma V*.
        flat = dict(WORLD, choices=[dict(c, cost=1) for c in WORLD["choices"]])
        zero = self.json("equivalent-model", "--world", self.write("flat.json", flat), "--discount-model", "0", "--shift", "auto")
        self.assertAlmostEqual(zero["shift"], -9, delta=1e-6)
        refused = self.json("equivalent-model", "--world", self.write("flat.json", flat), "--discount-model", "0", code=1)
        self.assertEqual(len(refused["infeasible_rows"]), 5)

    def test_polytope_random_and_extreme_models(self):
        world = self.write("world.json", WORLD)
        flags = ("equivalent-model", "--world", world, "--support", "all", "--polytope")
        one = self.json(*flags, "--divergence", "uniform", "--seed", "1")
        two = self.json(*flags, "--divergence", "uniform", "--seed", "2")
        self.assertEqual(one["polytope"]["dimension"], [[1, 1], [1, 1], [1]])
        self.assertEqual(one["polytope"]["n_vertices"], [[2, 2], [2, 2], [2]])
        self.assertNotEqual(one["transitions"], two["transitions"])
        self.assertLess(one["q_error_bound"], 1e-7)
        direction = self.write("g.json", [1, 0, 0])
        least = self.json(*flags, "--divergence", "linear", "--direction", direction)
        for random in (one, two):
            for s, a, to, p in random["transitions"]:
                if to == 0:
                    self.assertGreaterEqual(p, least["divergence"][s][a] - 1e-12)

    def test_optimal_actions_only(self):
        reference = dict(WORLD, choices=[dict(c, to=[[0, 0.2], [1, 0.3], [2, 0.5]]) for c in WORLD["choices"]])
        world, reference = self.write("world.json", WORLD), self.write("reference.json", reference)
        flags = ("--reference", reference, "--keep", "actions", "--output", "m.json")
        result = self.json("equivalent-model", "--world", world, *flags)
        self.assertEqual(result["certificate"]["holds"], "yes")
        self.assertLessEqual(result["divergence_total"], result["divergence_start"])
        self.assertEqual(self.json("solve", "m.json")["policy"], self.json("solve", world)["policy"])

    def test_deterministic_and_plausible(self):
        world = self.write("world.json", WORLD)
        result = self.json("equivalent-model", "--world", world, "--divergence", "deterministic", code=1)
        plausible = result["plausible"]
        self.assertLessEqual(plausible["epsilon"], plausible["bound"])
        self.assertEqual(len({(s, a) for s, a, _, _ in result["transitions"]}), len(result["transitions"]))
        self.assertGreater(result["epsilon"], 0)

    def test_worlds_that_do_not_discount(self):
        """A goal world, or its total cost, in a model of discount 9/10: the same Q* (T6)."""
        pair = lambda s, a, cost, *to: {"state": s, "action": a, "cost": cost, "to": [list(x) for x in to]}
        choices = [pair(0, "walk", 1, (1, 0.5), (2, 0.5)), pair(0, "wait", 3, (1, 1)),
                   pair(1, "walk", 2, (0, 0.25), (2, 0.25), (3, 0.5)), pair(2, "walk", 1, (1, 0.5), (3, 0.5)),
                   pair(3, "rest", 0, (3, 1))]  # fmt: skip
        for sign, objective in ((1, "minimize"), (-1, "maximize")):
            world = {"format": "mdp", "version": 1, "discount": 1, "states": 4, "goal": [3], "objective": objective,
                     "choices": [dict(c, cost=sign * c["cost"]) for c in choices]}  # fmt: skip
            world = self.write("goal.json", world)
            solved = self.json("solve", world)
            for criterion in ("goal", "total"):
                found = self.json("equivalent-model", "--world", world, "--world-criterion", criterion, "--discount-model", "9/10",
                                  "--support", "all", "--divergence", "l2", "--output", "m.json")  # fmt: skip
                self.assertEqual((found["status"], found["world_criterion"], found["discount"]), ("converged", criterion, 0.9))
                self.assertLess(found["q_error_bound"], 1e-9)
                self.assertFalse(found["output_exact"])
                model = self.json("solve", "m.json")
                self.assertEqual(model["criterion"], "discounted")
                for ours, theirs in zip(sum(model["q"], []), sum(solved["q"], [])):
                    self.assertAlmostEqual(ours, theirs, delta=1e-8)
            # Without other successors E V* cannot be as much as 10/9 of the world's everywhere.
            tight = self.json("equivalent-model", "--world", world, "--discount-model", "9/10", code=1)
            self.assertFalse(tight["feasible"])

    def test_wrong_questions(self):
        world = self.write("world.json", WORLD)
        say = lambda *flags, code=2: self.complaint("equivalent-model", "--world", world, *flags, code=code)
        self.assertIn("--direction", say("--divergence", "linear"))
        self.assertIn("at random", say("--divergence", "uniform", "--shift", "auto"))
        self.assertIn("within:", say("--support", "within:x"))
        self.assertIn("did you mean", say("--divergence", "wassertein"))
        self.assertIn("kl or l2", say("--divergence", "l1", "--keep", "actions"))
        self.assertIn("--shift", say("--keep", "actions", "--shift", "1"))
        self.assertIn("--seed belongs", say("--seed", "3"))
        self.assertIn("--graph belongs", say("--graph", world))
        wide = dict(WORLD, choices=[dict(c, to=[[0, 0.2], [1, 0.3], [2, 0.5]]) for c in WORLD["choices"]])
        text = say("--reference", self.write("r.json", wide), "--support", "world", "--divergence", "likelihood", code=3)
        self.assertIn("state 0, action a", text)
        metric = self.write("d.json", [1, 2, 3])
        self.assertIn("9", say("--divergence", "wasserstein", "--metric", metric, code=3))
        for distances, complaint in (([0, 1, 2, 1, 3, 1, 2, 1, 0], "distance from state 1 to state 1: 3, required 0"),
                                     ([0, 1, 2, 1, 0, 1, 4, 1, 0], "distance from state 0 to state 2: 2, required 4")):
            metric = self.write("d.json", distances)
            self.assertIn(complaint, say("--divergence", "wasserstein", "--metric", metric, code=3))


class Gradient(program.ProgramTest):
    def test_of_value_against_differences(self):
        model = self.write("model.json", WORLD)
        result = self.json("gradient", "--of", "value", "--file", model)
        self.assertTrue(result["differentiable"])
        self.assertEqual(result["tied_states"], [])
        self.assert_shaped(result["d_cost"], LENGTHS)
        self.assertEqual(len(result["d_probability"]), 10)
        self.assertEqual([e[:3] for e in result["d_probability"][:2]], [[0, 0, 0], [0, 0, 1]])

        def value(**changes):
            changed = self.write("changed.json", dict(WORLD, **changes))
            return self.json("solve", changed, "--tolerance", "1e-12")["value"][0]

        h = 1e-4
        i = 0
        for s, state in enumerate(result["d_cost"]):
            for derivative in state:
                moved = []
                for step in (h, -h):
                    choices = [dict(c) for c in WORLD["choices"]]
                    choices[i]["cost"] += step
                    moved.append(value(choices=choices))
                self.assertAlmostEqual((moved[0] - moved[1]) / (2 * h), derivative, delta=1e-7)
                i += 1
        by_discount = (value(discount=0.9 + h) - value(discount=0.9 - h)) / (2 * h)
        self.assertAlmostEqual(by_discount / result["d_discount"], 1, delta=1e-5)

    def test_maximising(self):
        low = self.json("gradient", "--file", self.write("low.json", WORLD))
        high = self.json("gradient", "--file", self.write("high.json", in_rewards(WORLD)))
        self.assertEqual(high["d_cost"], low["d_cost"])
        self.assertEqual(high["d_discount"], -low["d_discount"])
        self.assertEqual([e[3] for e in high["d_probability"]], [-e[3] for e in low["d_probability"]])

    def test_ties_are_refused(self):
        choices = WORLD["choices"] + [dict(WORLD["choices"][4], action="b")]
        model = self.write("tied.json", dict(WORLD, choices=choices))
        result = self.json("gradient", "--file", model, code=1)
        self.assertFalse(result["differentiable"])
        self.assertEqual(result["tied_states"], [2])
        self.assertNotIn("d_cost", result)

    def test_ties_count_where_optimal_policies_go(self):
        def model(name, start, second):
            choices = [
                {"state": 0, "cost": 1, "to": [[0, 0.5], [1, 0.5]]},
                {"state": 1, "cost": 2, "to": [[1, 1]]},
                {"state": 2, "cost": 3, "to": [[0, 1]]},
                {"state": 2, "cost": second, "to": [[1, 1]]},
            ]
            return self.write(name, {"format": "mdp", "version": 1, "discount": 0.5, "states": 3,
                                     "initial": [[start, 1]], "choices": choices})  # fmt: skip

        # V(1) = 4, V(0) = 8/3; state 2: 3 + 4/3 = c + 2 for c = 7/3.
        never = self.json("gradient", "--file", model("never.json", 0, "7/3"))
        self.assertTrue(never["differentiable"])
        self.assertEqual(never["tied_states"], [])
        self.assertEqual(never["d_cost"][2], [0, 0])
        self.assertAlmostEqual(never["d_cost"][0][0], 4 / 3, delta=1e-12)
        self.assertEqual(len(never["d_probability"]), 5)
        visited = self.json("gradient", "--file", model("visited.json", 2, "7/3"), code=1)
        self.assertFalse(visited["differentiable"])
        self.assertEqual(visited["tied_states"], [2])
        self.assertLess(visited["tie_margin"], 1e-7)
        near = self.json("gradient", "--file", model("near.json", 2, 2.3334))
        self.assertEqual(near["tied_states"], [])

    def test_check(self):
        world, model = self.write("world.json", WORLD), self.write("model.json", MODEL)
        performance = ["--of", "world-performance", "--world", world, "--model", model, "--temperature", "0.5"]
        for flags in (["--file", world], performance, ["--file", world, "--convention", "normalised"]):
            result = self.json("gradient", *flags, "--check", "--check-entries", "4")
            check = result["check"]
            self.assertTrue(check["agrees"], check)
            self.assertEqual([e["entry"] for e in check["entries"]], ["cost"] * 4 + ["probability"] * 4 + ["discount"])
            for entry in check["entries"]:
                if entry["entry"] == "cost":
                    self.assertEqual(entry["exact"], result["d_cost"][entry["state"]][entry["action"]])
                self.assertAlmostEqual(entry["exact"], entry["finite_difference"], delta=1e-4 * (1 + abs(entry["exact"])))
        self.assertIn("finite difference", self.mdp("gradient", "--file", world, "--check").stdout)

    def test_wrt(self):
        result = self.json("gradient", "--file", self.write("model.json", WORLD), "--wrt", "discount")
        self.assertIn("d_discount", result)
        self.assertNotIn("d_cost", result)
        self.assertNotIn("d_probability", result)
        self.complaint("gradient", "--file", "model.json", "--wrt", "costs", code=2)

    def test_other_criteria(self):
        choices = [
            {"state": 0, "cost": 1, "to": [[0, 0.25], [1, 0.5], [2, 0.125], [3, 0.125]]},
            {"state": 0, "cost": 5, "to": [[2, 0.5], [3, 0.5]]},
            {"state": 1, "cost": 2, "to": [[0, 0.5], [2, 0.5]]},
            {"state": 1, "cost": 7, "to": [[2, 1]]},
        ]
        parts = {"format": "mdp", "version": 1, "initial": [[0, 1]]}
        ends = [{"state": 3, "cost": 0, "to": [[3, 1]]}]
        goal = self.write("goal.json", dict(parts, states=4, goal=[2, 3], choices=choices))
        reach = self.write("reach.json", dict(parts, states=4, goal=[2], choices=choices + ends))
        again = [{"state": s, "cost": s, "to": [[0, 1]]} for s in (2, 3)]
        average = self.write("average.json", dict(parts, states=4, choices=choices + again))
        keys = {"d_cost", "d_probability", "d_discount"}
        for criterion, model, flags, of, derivatives in (
            ("goal", goal, [], "initial_value", {"d_cost", "d_probability"}),
            ("reach", reach, ["--objective", "maximize"], "initial_value", {"d_probability"}),
            ("reach", reach, ["--objective", "minimize"], "initial_value", {"d_probability"}),
            ("average", average, [], "initial_gain", {"d_cost", "d_probability"}),
            ("finite", average, ["--horizon", "4", "--discount", "0.9"], "initial_value", keys),
        ):
            with self.subTest(criterion, flags=flags):
                flags = ["--criterion", criterion, *flags]
                result = self.json("gradient", model, *flags, "--check")
                self.assertEqual((result["criterion"], result["level"]), (criterion, "certified"))
                self.assertTrue(result["differentiable"] and result["check"]["agrees"], result["check"])
                self.assertEqual(keys & set(result), derivatives)
                self.assertEqual(result["convention"], "normalised" if criterion == "average" else "raw")
                solved = self.json("solve", model, *flags)
                self.assertAlmostEqual(result[of], solved["gain" if criterion == "average" else "value"][0], delta=1e-9)
        # V(0) = 1 + V(0)/4 + V(1)/2, V(1) = 2 + V(0)/2: visits 2 and 1.
        visits = self.json("gradient", goal, "--criterion", "goal")["d_cost"]
        self.assertAlmostEqual(visits[0][0], 2, delta=1e-12)
        self.assertAlmostEqual(visits[1][0], 1, delta=1e-12)
        self.assertIn("does not read it", self.complaint("gradient", goal, "--wrt", "discount", code=2))
        self.assertIn("no average cost", self.complaint("gradient", average, "--criterion", "average",
                                                        "--convention", "raw", code=2))  # fmt: skip
        self.assertIn("no gradient", self.complaint("gradient", goal, "--criterion", "total", code=2))

    def test_of_world_performance(self):
        world, model = self.write("world.json", WORLD), self.write("model.json", MODEL)
        flags = ["--of", "world-performance", "--world", world, "--temperature", "0.5"]
        result = self.json("gradient", *flags, "--model", model)
        self.assert_shaped(result["d_cost"], LENGTHS)
        self.assertAlmostEqual(sum(map(sum, result["d_cost"])), 0, delta=1e-9)  # D8: the adjoint sums to 0
        h = 1e-4
        moved = []
        for step in (h, -h):
            choices = [dict(c) for c in MODEL["choices"]]
            choices[0]["cost"] += step
            changed = self.write("changed.json", dict(MODEL, choices=choices))
            moved.append(self.json("gradient", *flags, "--model", changed)["world_value"])
        self.assertAlmostEqual((moved[0] - moved[1]) / (2 * h), result["d_cost"][0][0], delta=1e-5)
        self.complaint("gradient", "--of", "world-performance", "--world", world, "--model", model, code=2)


class Estimate(program.ProgramTest):
    def test_keys_and_agreement(self):
        model = self.write("model.json", WORLD)
        result = self.json("estimate", "--model", model, "--horizon", "20", "--samples", "20000", "--seed", "3")
        for key in ("truth", "truth_infinite", "truncation_bias_norm", "estimators", "horizon", "seed"):
            self.assertIn(key, result)
        (estimator,) = result["estimators"]
        for key in ("name", "exact_mean", "exact_variance_trace", "exact_bias_norm", "sample_mean", "standard_error",
                    "z_max", "samples", "seconds", "verdict"):  # fmt: skip
            self.assertIn(key, estimator)
        self.assertEqual(len(result["truth"]), 5)
        self.assertEqual(estimator["verdict"], "consistent")
        for mean, truth in zip(estimator["exact_mean"], result["truth"]):  # two roads: X2, and occupancies times advantages
            self.assertAlmostEqual(mean, truth, delta=1e-13)
        for mean, truth, error in zip(estimator["sample_mean"], result["truth"], estimator["standard_error"]):
            self.assertLessEqual(abs(mean - truth), 6 * error + 1e-12)
        state = result["truth"][:2]  # softmax shift: the logits of a state sum to 0
        self.assertAlmostEqual(sum(state), 0, delta=1e-12)

    def test_baselines_reduce_the_variance_and_keep_the_mean(self):
        model = self.write("model.json", WORLD)
        plain = self.json("estimate", "--model", model, "--horizon", "50", "--samples", "100")
        based = self.json("estimate", "--model", model, "--horizon", "50", "--samples", "100", "--baseline", "value")
        for a, b in zip(plain["truth"], based["truth"]):
            self.assertAlmostEqual(a, b, delta=1e-9)
        self.assertLess(based["estimators"][0]["exact_variance_trace"], plain["estimators"][0]["exact_variance_trace"])

    def test_logits_and_policies(self):
        model = self.write("model.json", WORLD)
        logits = self.write("logits.json", [[0, math.log(3)], [0, 0], [5]])
        policy = self.write("policy.json", [[0.25, 0.75], [0.5, 0.5], 0])
        by_logits = self.json("estimate", "--model", model, "--horizon", "5", "--logits", logits)
        by_policy = self.json("estimate", "--model", model, "--horizon", "5", "--policy", policy)
        for a, b in zip(by_logits["truth"], by_policy["truth"]):
            self.assertAlmostEqual(a, b, delta=1e-12)
        self.complaint("estimate", "--model", model, "--horizon", "5", "--logits", self.write("bad.json", [[0], [0, 0], [5]]), code=3)

    def test_maximising_and_seeds(self):
        low = self.json("estimate", "--model", self.write("low.json", WORLD), "--horizon", "5", "--seed", "4")
        high = self.json("estimate", "--model", self.write("high.json", in_rewards(WORLD)), "--horizon", "5", "--seed", "4")
        other = self.json("estimate", "--model", "low.json", "--horizon", "5", "--seed", "5")
        self.assertEqual(high["truth"], [-x for x in low["truth"]])
        self.assertEqual(high["estimators"][0]["sample_mean"], [-x for x in low["estimators"][0]["sample_mean"]])
        self.assertNotEqual(other["estimators"][0]["sample_mean"], low["estimators"][0]["sample_mean"])


if __name__ == "__main__":
    program.main()
