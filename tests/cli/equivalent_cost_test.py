"""equivalent-cost beyond T1: criteria (T3), potentials (T4), the least change (T5)."""
import fractions
import subprocess
import unittest

import program

# T2': staying is right, and the undiscounted sum prefers to go.
TRAP = {
    "format": "mdp", "version": 1, "discount": 0.9, "states": 2, "choices": [
        {"state": 0, "action": "stay", "cost": 0.5, "to": [[0, 1]]},
        {"state": 0, "action": "go", "cost": 0, "to": [[1, 1]]},
        {"state": 1, "action": "rest", "cost": 1, "to": [[1, 1]]},
    ],
}  # fmt: skip
# Two ways to a goal; every row may reach it.
TO_GOAL = {
    "format": "mdp", "version": 1, "discount": 0.9, "states": 3, "goal": [2], "choices": [
        {"state": 0, "action": "a", "cost": 1, "to": [[0, 0.25], [1, 0.5], [2, 0.25]]},
        {"state": 0, "action": "b", "cost": 3, "to": [[0, 0.125], [2, 0.875]]},
        {"state": 1, "action": "a", "cost": 2, "to": [[0, 0.5], [2, 0.5]]},
    ],
}  # fmt: skip
OTHER = dict(TO_GOAL, discount=0.75, choices=[dict(c, cost=0, to=[[0, 0.5], [2, 0.5]]) for c in TO_GOAL["choices"]])
CRITERIA = ["discounted", "goal", "total", "average", "finite"]


class PrintedNumbers(program.ProgramTest):
    """Bounds hold for the doubles that are printed, not only for the model that --output writes in more digits."""

    def exactly(self, text):
        return fractions.Fraction(text)

    def test_cost(self):
        world = {
            "format": "mdp", "version": 1, "discount": "3/10", "states": 1,
            "choices": [{"state": 0, "action": 0, "cost": "1/7", "to": [[0, 1]]}],
        }  # fmt: skip
        close = dict(world, discount="0.999999")
        result = self.json("equivalent-cost", "--world", self.write("w.json", world), "--model",
                           self.write("m.json", close))  # fmt: skip
        value = fractions.Fraction(1, 7) / (1 - fractions.Fraction(3, 10))
        of_model = self.exactly(result["cost"][0][0]) / fractions.Fraction(1, 10**6)
        error = abs(of_model - value)
        self.assertGreater(error, fractions.Fraction(1, 10**18))  # the doubles are felt
        self.assertLessEqual(error, self.exactly(result["q_error_bound"]))

        potential = self.json("equivalent-cost", "--world", "w.json", "--model", "m.json", "--potential",
                              self.write("phi.json", ["1/3"]))  # fmt: skip
        of_model = self.exactly(potential["cost"][0][0]) / fractions.Fraction(1, 10**6)
        error = abs(of_model - self.exactly(potential["potential"][0]))
        self.assertLessEqual(error, self.exactly(potential["q_distance"]["upper"]))

    def test_transitions(self):
        # Three states that rest at costs 0, 1, 3 in thirds; one that leads to all of them.
        costs = [fractions.Fraction(c, 3) for c in (0, 1, 3)]
        gamma = fractions.Fraction(9, 10)
        rest = [{"state": s, "action": 0, "cost": str(c), "to": [[s, 1]]} for s, c in enumerate(costs)]
        to = {"world": ["1/3", "1/3", "1/3"], "near": ["1/7", "5/7", "1/7"]}
        paths = [
            self.write(name + ".json", {
                "format": "mdp", "version": 1, "discount": str(gamma), "states": 4,
                "choices": rest + [{"state": 3, "action": 0, "cost": 0, "to": [list(x) for x in enumerate(row)]}],
            }) for name, row in to.items()
        ]  # fmt: skip
        values = [c / (1 - gamma) for c in costs]
        for divergence in "kl", "reverse-kl", "chi2", "l2", "l1":
            result = self.json("equivalent-model", "--world", paths[0], "--reference", paths[1], "--divergence",
                               divergence, "--support", "world")  # fmt: skip
            row = {j: self.exactly(p) for s, _, j, p in result["transitions"] if s == 3}
            mean = sum(p * values[j] for j, p in row.items()) / sum(row.values())
            error = gamma * abs(mean - sum(values) / 3)
            with self.subTest(divergence=divergence):
                self.assertLessEqual(error, self.exactly(result["q_error_bound"]))
                self.assertLessEqual(error, self.exactly(result["epsilon"]))


class Criteria(program.ProgramTest):
    def run_pair(self, world, model, *flags, code=0):
        world, model = self.write("world.json", world), self.write("model.json", model)
        return self.json("equivalent-cost", "--world", world, "--model", model, *flags, code=code)

    def test_all_cells(self):
        for objective in (lambda model: model), program.maximised:
            world, model = objective(TO_GOAL), objective(OTHER)
            for source in CRITERIA:
                for target in CRITERIA:
                    flags = ["--world-criterion", source, "--model-criterion", target]
                    if source == "finite":
                        flags += ["--horizon", 6]
                    if source == "goal" and objective is program.maximised:
                        flags += ["--improper", "excluded"]
                    if target == "finite":
                        flags += ["--model-horizon", 5]
                    with self.subTest(source=source, target=target):
                        result = self.run_pair(world, model, *flags)
                        self.assertEqual(result["status"], "converged")
                        if (source, target) == ("discounted", "discounted"):
                            continue
                        self.assertEqual((result["world_criterion"], result["criterion"]), (source, target))
                        self.assert_shaped(result["cost"], [2, 1, 1])
                        self.assertLess(result["confirmation"]["error"]["upper"], 1e-5)
                        self.assertEqual("boundary_term" in result, target in ("total", "average"))
                        self.assertEqual("cost_by_stage" in result, (source, target) == ("finite", "finite"))

    def test_exactly(self):
        for objective in (lambda model: model), program.maximised:
            world, model = objective(TO_GOAL), objective(OTHER)
            sign = 1 if objective is not program.maximised else -1
            for source in CRITERIA:
                for target in CRITERIA:
                    flags = ["--world-criterion", source, "--model-criterion", target]
                    if source == "finite":
                        flags += ["--horizon", 6, "--stage", 2]
                    if source == "goal" and objective is program.maximised:
                        flags += ["--improper", "excluded"]
                    if target == "finite":
                        flags += ["--model-horizon", 3 if source == "finite" else 5]
                    with self.subTest(source=source, target=target):
                        exact = self.run_pair(world, model, *flags, "--level", "exact")
                        self.assertEqual((exact["status"], exact["level"]), ("converged", "exact"))
                        rough = self.run_pair(world, model, *flags)
                        self.assert_shaped(exact["cost_exact"], [2, 1, 1])
                        for x, y in zip(sum(exact["cost"], []), sum(rough["cost"], [])):
                            self.assertAlmostEqual(x, y, delta=1e-6)
                        for x, y in zip(sum(exact["q"], []), sum(rough["q"], [])):
                            self.assertAlmostEqual(x, y, delta=1e-6)
                        self.assertEqual("cost_by_stage_exact" in exact, source == target == "finite")
                        for x, y in zip(sum(exact.get("cost_by_stage", []), []), sum(rough.get("cost_by_stage", []), [])):
                            self.assertAlmostEqual(x, y, delta=1e-6)
                        if target == "finite":
                            self.assertEqual(len(exact["terminal_exact"]), 3)
                            for x, y in zip(exact["terminal"], rough["terminal"]):
                                self.assertAlmostEqual(x, y, delta=1e-6)
                        if "shift" in rough:
                            self.assertAlmostEqual(exact["shift"]["lower"], rough["shift"]["lower"], delta=1e-6)
            # V* = (q(a), ..): by hand Q*(1, a) = 2 + 0.45 V*(0), V*(0) = min(...).
            exact = self.run_pair(world, model, "--level", "exact", "--output", "exact.json")
            value = exact["value_exact"]
            v0 = fractions.Fraction(value[0])
            self.assertEqual(fractions.Fraction(value[1]), sign * 2 + fractions.Fraction(9, 20) * v0)
            self.mdp("check", "--world", "world.json", "--model", "exact.json", "--require", "E3")

    def test_what_has_no_exact_version_says_why(self):
        refused = self.run_pair(TRAP, TRAP, "--model-criterion", "total", "--level", "exact", code=1)
        self.assertEqual(refused["status"], "refused")
        self.assertIn("of 10 from state 1, of 5 from state 0", refused["message"])
        world = self.write("world.json", TO_GOAL)
        pair = "equivalent-cost", "--world", world, "--model", world, "--level", "exact"
        for flags, message in [
            (["--least-change", "l2"], "made in doubles"),
            (["--exclude-violations"], "made in doubles"),
            (["--model-criterion", "finite"], "needs --model-horizon"),
        ]:  # fmt: skip
            with self.subTest(flags=flags):
                self.assertIn(message, self.complaint(*pair, *flags, code=2))

    def test_the_trap(self):
        for flags in (["--discount-model", "1"], ["--model-criterion", "average"]):
            result = self.run_pair(TRAP, TRAP, *flags, code=1)
            self.assertEqual(result["status"], "refused")
            term = result["boundary_term"]
            self.assertEqual((term["holds"], term["breaking_state"], term["breaking_action"]), ("no", 0, 1))
            self.assertEqual(len(term["components"]), 2)
            self.assertAlmostEqual(term["constant"]["upper"], 10, delta=1e-6)
        result = self.run_pair(TRAP, TRAP, "--model-criterion", "finite", "--model-horizon", 30)
        self.assertEqual(result["status"], "converged")

    def test_the_message_has_the_shift_in_the_sense_of_the_file(self):
        ring = {"format": "mdp", "version": 1, "discount": 0.5, "states": 2, "choices": [
            {"state": 0, "action": "a", "cost": 3, "to": [[1, 1]]}, {"state": 1, "action": "a", "cost": 0, "to": [[0, 1]]},
        ]}  # fmt: skip
        # V* = 3 + V*/4 = (4, 2): the mean over the ring is 3.
        for sign, text in ((1, "Q^* = Q* - 3"), (-1, "Q^* = Q* + 3")):
            costs = [dict(c, cost=sign * c["cost"]) for c in ring["choices"]]
            world = dict(ring, choices=costs, objective="minimize" if sign > 0 else "maximize")
            for flags in (["--model-criterion", "total"], ["--model-criterion", "total", "--level", "exact"]):
                result = self.run_pair(world, world, *flags)
                self.assertIn(text, result["message"])
                self.assertIn("of the Cesaro sum", result["message"])
                self.assertAlmostEqual(result["shift"]["lower"], 3 * sign, delta=1e-6)

    def test_the_first_stage_is_the_cost(self):
        flags = "--world-criterion", "finite", "--horizon", 6, "--model-criterion", "finite", "--model-horizon", 4
        result = self.run_pair(TO_GOAL, OTHER, *flags, "--output", "first.json")
        self.assertEqual(sum(result["cost"], []), result["cost_by_stage"][0])
        exact = self.run_pair(TO_GOAL, OTHER, *flags, "--level", "exact", "--output", "first.json")
        self.assertEqual(sum(exact["cost_exact"], []), exact["cost_by_stage_exact"][0])
        # The last stage by hand: V_6 = 0, V_5 = the least cost of one stage and so on; here k = 3 of a world of 6.
        values = [fractions.Fraction(0)] * 3
        for _ in range(2):  # V_4
            values = [min(1 + fractions.Fraction(9, 10) * (values[0] / 4 + values[1] / 2), 3 + fractions.Fraction(9, 10) * values[0] / 8),
                      2 + fractions.Fraction(9, 10) * values[0] / 2, fractions.Fraction(0)]  # fmt: skip
        self.assertEqual([fractions.Fraction(v) for v in exact["terminal_exact"]], values)
        q = 1 + fractions.Fraction(9, 10) * (values[0] / 4 + values[1] / 2)
        self.assertEqual(fractions.Fraction(exact["cost_by_stage_exact"][3][0]), q - fractions.Fraction(3, 4) * values[0] / 2)

    def test_a_terminal_cost_that_is_given(self):
        terminal = self.write("terminal.json", [1, 2])
        result = self.run_pair(TRAP, TRAP, "--model-criterion", "finite", "--model-horizon", 3, "--model-terminal", terminal)
        self.assertEqual(result["terminal"], [1, 2])
        self.assertEqual(len(result["cost_by_stage"]), 3)

    def test_refused_and_wrong_flags(self):
        for level in ([], ["--level", "exact"]):
            self.assertIn("8 stages, the world 6", self.run_pair(
                TO_GOAL, OTHER, "--world-criterion", "finite", "--horizon", 6, "--model-criterion", "finite",
                "--model-horizon", 8, *level, code=1)["message"])  # fmt: skip
        world = self.write("world.json", TO_GOAL)
        pair = "equivalent-cost", "--world", world, "--model", world
        finite = "--world-criterion", "finite", "--horizon", "6"
        for flags, message in [
            (["--model-criterion", "reach"], "no such choice"),
            (["--model-criterion", "finite"], "needs --model-horizon"),
            (["--model-horizon", "3"], "belong to --model-criterion finite"),
            ([*finite, "--stage", "all"], "one stage"),
            ([*finite, "--stage", "6"], "required 0 <= stage < horizon = 6"),
            ([*finite, "--potential", "zero"], "T4, T5"),
            (["--margin", "1"], "belongs to --least-change"),
            (["--least-change", "l2", "--potential", "zero"], "its own potential"),
            (["--least-change", "l3"], "l1, l2, linf"),
            (["--world-criterion", "reach"], "criterion is reach"),
        ]:
            with self.subTest(flags=flags):
                self.assertIn(message, self.complaint(*pair, *flags, code=2))


class Shapes(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.pair = "equivalent-cost", "--world", self.write("world.json", TO_GOAL), "--model", self.write("model.json", OTHER)

    def test_potentials(self):
        usual = self.json(*self.pair)
        zero = self.json(*self.pair, "--potential", "zero", "--output", "zero.json")
        self.assertEqual(zero["potential"], [0, 0, 0])
        self.assertEqual(zero["slack"], zero["cost"])
        solved = self.json("solve", "zero.json")
        self.assertEqual(solved["policy"], self.json("solve", "world.json")["policy"])
        for value in solved["value"]:
            self.assertAlmostEqual(value, 0, delta=1e-12)
        same = self.json(*self.pair, "--potential", self.write("v.json", usual["value"]))
        for x, y in zip(sum(same["cost"], []), sum(usual["cost"], [])):
            self.assertAlmostEqual(x, y, delta=1e-7)
        slack = self.write("slack.json", [9 if a > 1e-6 else 0 for a in sum(zero["slack"], [])])
        result = self.json(*self.pair, "--slack", slack)
        self.assertEqual(result["keeps_optimal_sets"], "yes")
        self.assertIn("required >= 0", self.complaint(*self.pair, "--slack", self.write("bad.json", [-1, 0, 0, 0]), code=3))

    def test_potentials_in_rationals(self):
        """T4 exactly: V^* = Phi, and with the world's advantages E4, decided by check without an error."""
        exact = *self.pair, "--level", "exact"
        for flags, values in (("zero", ["0", "0", "0"]), (self.write("phi.json", ["1/3", "-2/7", "5"]), ["1/3", "-2/7", "5"])):
            found = self.json(*exact, "--potential", flags, "--output", "shaped.json")
            self.assertEqual((found["status"], found["keeps_optimal_sets"]), ("converged", "yes"))
            self.assertIn("exactly (T4)", found["message"])
            self.assertEqual(found["value_exact"], values)
            solved = self.json("solve", "shaped.json", "--level", "exact")
            self.assertEqual(solved["value_exact"], values)
            levels = self.json("check", "--world", "world.json", "--model", "shaped.json")
            self.assertEqual((levels["precision"], levels["levels"]["E4"]["holds"]), ("exact", "yes"))
        ties = self.json(*exact, "--slack", self.write("ties.json", [0, 0, 0, 0]))
        self.assertEqual(ties["keeps_optimal_sets"], "no")
        for slack, complaint in (([-1, 0, 0, 0], "slack at state 0, action 0: -1, required >= 0"),
                                 ([1, 1, 0, 0], "no action of state 0 has slack 0")):  # fmt: skip
            self.assertIn(complaint, self.complaint(*exact, "--slack", self.write("bad.json", slack), code=3))

    def test_soft_values(self):
        soft = self.json(*self.pair, "--temperature", 0.5, "--output", "soft.json")
        self.assertEqual((soft["status"], soft["temperature"]), ("converged", 0.5))
        self.assertLess(soft["log_policy_distance_bound"], 1e-6)
        flags = "--method", "soft-value-iteration", "--temperature", 0.5
        for v, w in zip(self.json("solve", "soft.json", *flags)["value"], self.json("solve", "world.json", *flags)["value"]):
            self.assertAlmostEqual(v, w, delta=1e-6)
        self.assertIn("one of them", self.complaint(*self.pair, "--temperature", 1, "--potential", "zero", code=2))
        self.assertIn("discounted", self.complaint(*self.pair, "--temperature", 1, "--model-criterion", "total", code=2))

    def test_correction_while_q_is_not_known(self):
        near = dict(TO_GOAL, discount=0.85)
        self.write("near.json", near)
        pair = "equivalent-cost", "--world", "world.json", "--model", "near.json"
        found = self.json(*pair, "--iterate", 200, "--output", "corrected.json")
        self.assertEqual((found["status"], found["corrected"]), ("converged", "cost"))
        self.assertLess(found["kappa"], 1)
        self.assertLessEqual(found["value_error"], found["value_error_bound"])
        truth = self.json("solve", "world.json")["value"]
        for v, w in zip(found["value"], truth):
            self.assertAlmostEqual(v, w, delta=1e-7)
        for (_, error, _), (_, after, _) in zip(found["steps"], found["steps"][1:]):
            self.assertLessEqual(after, found["kappa"] * error + 1e-7)
        self.assertEqual(self.json(*pair, "--iterate", 1, code=1)["status"], "sweep_limit")
        # theory.md: swap against stay, spectral radius 18.
        swap = lambda to: {"format": "mdp", "version": 1, "discount": 0.9, "states": 2, "choices": [
            {"state": s, "cost": s, "to": [[to(s), 1]]} for s in (0, 1)]}  # fmt: skip
        self.write("swap.json", swap(lambda s: 1 - s)), self.write("stay.json", swap(lambda s: s))
        away = self.json("equivalent-cost", "--world", "swap.json", "--model", "stay.json", "--iterate", 100, code=1)
        self.assertEqual(away["status"], "refused")
        self.assertAlmostEqual(away["kappa"], 18, delta=1e-9)
        self.assertAlmostEqual(away["steps"][-1][2], 18, delta=1e-3)
        rows = self.json("equivalent-model", "--world", "world.json", "--reference", "world.json", "--iterate", 50)
        self.assertEqual((rows["status"], rows["corrected"]), ("converged", "model"))
        self.assertIn("--iterate takes the kl", self.complaint(
            "equivalent-model", "--world", "world.json", "--iterate", 5, "--divergence", "l1", code=2))  # fmt: skip

    def has_clp(self):
        command = [program.PROGRAM, *self.pair, "--least-change", "l1"]
        return subprocess.run(command, cwd=self.folder, capture_output=True).returncode == 0

    def test_least_change(self):
        for norm in "l2", "l1", "linf":
            flags = "--least-change", norm, "--margin", "0.5", "--output", "changed.json"
            if norm != "l2" and not self.has_clp():
                self.assertIn("CLP", self.complaint(*self.pair, *flags, code=2))
                continue
            result = self.json(*self.pair, *flags)
            self.assertEqual(result["status"], "converged")
            self.assertLessEqual(result["size_lower"], result["size"])
            self.assertLess(result["duality_gap"], 1e-5)
            self.assertGreaterEqual(result["other_gap"]["lower"], 0.5 - 1e-6)
            check = self.json("check", "--world", "world.json", "--model", "changed.json", "--require", "E6")
            self.assertEqual(check["regret"], 0)


if __name__ == "__main__":
    program.main()
