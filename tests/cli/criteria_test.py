"""solve and evaluate by every criterion: flags, keys, senses, infinities."""
import json
import unittest
from fractions import Fraction

import program

CASES = program.SOURCE / "data" / "cases"


def case(name):
    return str(CASES / f"{name}.json")


# From 0: stay at cost 1, or go on for free; 1 is a dead end that costs nothing or, as told, something for ever.
def fork(cost_of_staying, **changes):
    model = {
        "format": "mdp", "version": 1, "objective": "minimize", "states": 3,
        "choices": [
            {"state": 0, "action": "left", "cost": 1, "to": [[1, 1]]},
            {"state": 0, "action": "right", "cost": 2, "to": [[2, 1]]},
            {"state": 1, "action": "stay", "cost": cost_of_staying, "to": [[1, 1]]},
            {"state": 2, "action": "stay", "cost": 0, "to": [[2, 1]]},
        ],
    }  # fmt: skip
    return dict(model, **changes)


class Criteria(program.ProgramTest):
    def test_finite(self):
        model = case("bertsekas_inventory_fh3")
        result = self.json("solve", model, "--criterion", "finite", "--horizon", "3")
        self.assertEqual(result["status"], "converged")
        self.assertEqual(result["discount"], 1)
        self.assertEqual([len(stage) for stage in result["value_by_stage"]], [3, 3, 3, 3])
        self.assertEqual(result["value_by_stage"][3], [0, 0, 0])
        self.assertEqual(result["policy_by_stage"], [[1, 0, 0]] * 3)
        self.assertEqual(result["policy"], result["policy_by_stage"][0])
        for value, truth in zip(result["value"], (3.7, 2.7, 2.818)):
            self.assertAlmostEqual(value, truth, delta=1e-12)
        self.assertAlmostEqual(min(result["q"][0]), 3.7, delta=1e-12)

    def test_finite_terminal_in_the_sense_of_the_file(self):
        rewards = self.write("rewards.json", fork(-1, objective="maximize"))
        last = self.write("last.json", [0, 10, "-inf"])
        result = self.json("solve", rewards, "--criterion", "finite", "--horizon", "2", "--terminal", last)
        self.assertEqual(result["value_by_stage"], [[10, 8, "-inf"], [11, 9, "-inf"], [0, 10, "-inf"]])
        half = self.json("solve", rewards, "--criterion", "finite", "--horizon", "1", "--terminal", last, "--discount", "1/2")
        self.assertEqual(half["value"], [6, 4, "-inf"])

    def test_decimals_mean_what_is_written(self):
        # Neither 0.1 nor 5e-324 is a double: the bounds hold the decimals.
        model = self.write("rewards.json", fork(-1, objective="maximize"))
        last = self.write("last.json", [0.1, "1/3", 5e-324])
        for horizon in ("0", "1"):
            result = self.json("solve", model, "--criterion", "finite", "--horizon", horizon, "--terminal", last)
            least = Fraction("5e-324")
            truth = {"0": [Fraction("0.1"), Fraction(1, 3), least], "1": [2 + least, Fraction(-2, 3), least]}[horizon]
            for value, lower, upper in zip(truth, result["value_lower"], result["value_upper"]):
                self.assertLessEqual(Fraction(lower), value)
                self.assertLessEqual(value, Fraction(upper))
        tiny = {"format": "mdp", "version": 1, "states": 2, "goal": [1], "choices": [
            {"state": 0, "cost": 5e-324, "to": [[1, 1e-16], [0, 0.9999999999999999]]}]}  # fmt: skip
        for criterion in ("goal", "total"):
            result = self.json("solve", self.write("tiny.json", tiny), "--criterion", criterion, code=1)
            self.assertLessEqual(Fraction(result["value_lower"][0]), Fraction("5e-308"))
            self.assertLessEqual(Fraction("5e-308"), Fraction(result["value_upper"][0]))

    def test_methods(self):
        model = self.write("fork.json", fork(0, goal=[2], choices=fork(0)["choices"][:3]))
        words = ("value-iteration gauss-seidel prioritized topological policy-iteration modified-policy-iteration "
                 "inexact-policy-iteration action-elimination interval-iteration optimistic-value-iteration")  # fmt: skip
        for method in words.split():
            result = self.json("solve", model, "--criterion", "goal", "--method", method)
            self.assertEqual(result["value"], [2, "inf", 0], method)
        refused = self.json("solve", model, "--criterion", "goal", "--method", "anderson", code=1)
        self.assertEqual(refused["status"], "refused")
        self.assertIn("no residual bounds their error", refused["message"])
        average = self.json("solve", model, "--criterion", "average", "--method", "value-iteration")
        self.assertEqual(average["gain"], [0, 0, 0])

    def test_total(self):
        free = self.json("solve", self.write("free.json", fork(0)), "--criterion", "total")
        self.assertEqual(free["value"], [1, 0, 0])
        self.assertNotIn("discount", free)
        dear = self.json("solve", self.write("dear.json", fork(3)), "--criterion", "total")
        self.assertEqual(dear["value"], [2, "inf", 0])
        self.assertEqual(dear["q"], [["inf", 2], ["inf"], [0]])
        gain = self.json("solve", self.write("gain.json", fork(-3)), "--criterion", "total")
        self.assertEqual(gain["value"], ["-inf", "-inf", 0])
        turned = self.json("solve", self.write("turned.json", fork(3, objective="maximize")), "--criterion", "total")
        self.assertEqual(turned["value"], ["inf", "inf", 0])

    def test_total_undefined_has_a_witness(self):
        model = fork(1)
        model["choices"][3]["cost"] = -1
        path = self.write("both.json", model)
        result = self.json("solve", path, "--criterion", "total", code=1)
        self.assertEqual(result["status"], "undefined")
        self.assertEqual(result["value"], [None, "inf", "-inf"])
        self.assertEqual(result["witness"], [0, 1, 0, 2])
        self.assertIn("undefined", self.mdp("solve", path, "--criterion", "total", code=1).stdout)

    def test_goal(self):
        result = self.json("solve", case("ssp_improper_start"), "--improper", "excluded")
        self.assertEqual(result["criterion"], "goal")
        self.assertEqual(result["value"], [11, 10, 0])
        self.assertEqual(result["policy"][:2], [1, 2])
        model = self.write("rewards.json", fork(0, objective="maximize", goal=[2]))
        infinite = self.json("solve", model, "--criterion", "goal")
        self.assertEqual(infinite["value"], ["inf", "inf", 0])
        excluded = self.json("solve", model, "--criterion", "goal", "--improper", "excluded")
        self.assertEqual(excluded["value"], [2, "-inf", 0])

    def test_reach_reports_probabilities_in_either_sense(self):
        model = fork(7, goal=[2])
        model["choices"][0]["to"] = [[1, 0.25], [2, 0.75]]
        low = self.json("solve", self.write("low.json", model), "--criterion", "reach")
        high = self.json("solve", self.write("high.json", dict(model, objective="maximize")), "--criterion", "reach")
        self.assertEqual(low["value"], [0.75, 0, 1])
        self.assertEqual(high["value"], [1, 0, 1])
        self.assertEqual(high["q"], [[0.75, 1], [0], [1]])
        self.assertLessEqual(low["value_lower"][0], low["value_upper"][0])
        none = self.json("solve", self.write("none.json", fork(0)), "--criterion", "reach")
        self.assertEqual(none["value"], [0, 0, 0])

    def test_average(self):
        result = self.json("solve", case("storm_lra_15state_max"), "--criterion", "average")
        self.assertNotIn("value", result)
        self.assertAlmostEqual(result["gain"][0], 37 / 60, delta=1e-12)
        for lower, gain, upper in zip(result["gain_lower"], result["gain"], result["gain_upper"]):
            self.assertLessEqual(lower, gain)
            self.assertLessEqual(gain, upper)
        self.assertEqual(len(result["bias"]), 15)
        self.assertIn("initial gain", self.mdp("solve", case("storm_lra_15state_max"), "--criterion", "average").stdout)

    def test_average_q_of_actions_that_lose_gain_is_infinite(self):
        # theory.md, section 0: going to a costly state for a gift looks better by Q than it is.
        model = {
            "format": "mdp", "version": 1, "objective": "minimize", "states": 2,
            "choices": [
                {"state": 0, "action": "stay", "cost": 1, "to": [[0, 1]]},
                {"state": 0, "action": "go", "cost": -100, "to": [[1, 1]]},
                {"state": 1, "action": "stay", "cost": 10, "to": [[1, 1]]},
            ],
        }  # fmt: skip
        result = self.json("solve", self.write("gift.json", model), "--criterion", "average")
        self.assertEqual(result["gain"], [1, 10])
        self.assertEqual(result["bias"], [0, 0])
        self.assertEqual(result["q"], [[0, "inf"], [0]])

    def test_evaluate(self):
        model = self.write("fork.json", fork(0, goal=[2]))
        policy = self.write("policy.json", [[0.5, 0.5], 0, 0])
        reach = self.json("evaluate", model, "--policy", policy, "--criterion", "reach")
        self.assertEqual(reach["value"], [0.5, 0, 1])
        goal = self.json("evaluate", model, "--policy", policy)
        self.assertEqual(goal["criterion"], "goal")
        self.assertEqual(goal["value"], ["inf", "inf", 0])
        total = self.json("evaluate", model, "--policy", policy, "--criterion", "total")
        self.assertEqual(total["value"], [1.5, 0, 0])
        finite = self.json("evaluate", model, "--policy", policy, "--criterion", "finite", "--horizon", "1")
        self.assertEqual(finite["value"], [1.5, 0, 0])
        self.assertNotIn("policy_by_stage", finite)

    def test_evaluate_a_policy_for_each_stage(self):
        # Far from the end it pays to invest; the stage-0 policy at every stage would invest to the last.
        model = self.write("invest.json", {
            "format": "mdp", "version": 1, "objective": "maximize", "discount": 1, "states": 2, "choices": [
                {"state": 0, "action": "sell", "cost": 1, "to": [[0, 1]]},
                {"state": 0, "action": "invest", "cost": 0, "to": [[1, 1]]},
                {"state": 1, "action": "sell", "cost": "7/3", "to": [[0, 1]]}, {"state": 1, "action": "wait", "cost": 0, "to": [[1, 1]]},
            ],
        })  # fmt: skip
        finite = ["--criterion", "finite", "--horizon", "2"]
        solved = self.json("solve", model, *finite)
        self.write("solved.json", solved)
        self.assertEqual(solved["policy_by_stage"], [[1, 0], [0, 0]])
        for level in "certified", "exact":
            by_stage = self.json("evaluate", model, "--policy", "solved.json", *finite, "--level", level)
            for value, truth in zip(by_stage["value"], solved["value"]):
                self.assertAlmostEqual(value, truth, delta=1e-14)
            self.assertEqual(len(by_stage["value_by_stage"]), 3)
            self.assertEqual(by_stage["policy_by_stage"], solved["policy_by_stage"])
        self.assertEqual(by_stage["value_exact"], ["7/3", "10/3"])
        always = self.json("evaluate", model, "--policy", self.write("p.json", solved["policy"]), *finite)
        self.assertLess(always["value"][1], solved["value"][1])

        loss = lambda policy: self.json("certify", model, "--values", "solved.json", "--policy", policy, *finite)[
            "policy_loss_bound"
        ]
        self.assertLess(loss("solved.json"), 1e-12)
        self.assertGreater(loss("p.json"), 0.5)
        self.assertIn("of 2 stages, required horizon = 3",
                      self.complaint("evaluate", model, "--policy", "solved.json", "--criterion", "finite", "--horizon", 3, code=3))  # fmt: skip
        wrong = self.write("wrong.json", {"policy_by_stage": [[0, 0], [0, 2]]})
        self.assertIn("policy_by_stage[1][1]", self.complaint("evaluate", model, "--policy", wrong, *finite, code=3))
        self.assertIn("one policy for all stages", self.json("evaluate", model, "--policy", "solved.json", *finite, "--certificate",
                                                             "c.json", code=1)["no_certificate"])  # fmt: skip

    def test_arrays_to_a_file(self):
        self.mdp("solve", case("bertsekas_inventory_fh3"), "--criterion", "finite", "--horizon", "3", "--output", "r.npz")
        self.assertGreater((self.folder / "r.npz").stat().st_size, 0)
        self.mdp("solve", case("bertsekas_inventory_fh3"), "--criterion", "finite", "--horizon", "3", "--output", "r.json")
        self.assertEqual(len(json.loads((self.folder / "r.json").read_text())["policy_by_stage"]), 3)

    def test_flags_that_do_not_fit(self):
        model = self.write("fork.json", fork(0, goal=[2]))
        for criterion in ("total", "goal", "reach", "average"):
            self.assertIn("--discount", self.complaint("solve", model, "--criterion", criterion, "--discount", "0.9", code=2))
            self.assertIn("--horizon", self.complaint("solve", model, "--criterion", criterion, "--horizon", "3", code=2))
        self.assertIn("--improper", self.complaint("solve", model, "--criterion", "reach", "--improper", "infinite", code=2))
        self.assertIn("--horizon", self.complaint("solve", model, "--criterion", "finite", code=2))
        self.assertIn("horizon", self.complaint("solve", model, "--criterion", "finite", "--horizon", "-1", code=2))
        self.assertIn("did you mean", self.complaint("solve", model, "--improper", "infinit", code=2))
        short = self.write("short.json", [1, 2])
        self.complaint("solve", model, "--criterion", "finite", "--horizon", "1", "--terminal", short, code=3)


if __name__ == "__main__":
    program.main()
