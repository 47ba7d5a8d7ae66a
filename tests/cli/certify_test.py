"""mdp certify: values from anywhere, in every criterion and sense."""
import json
import unittest

import program

NAMES = {"undecided", "optimal", "not_optimal"}
# A choice between a sure step of cost 3 and a gamble of cost 1 that succeeds half the time; V* = 2.
TO_GOAL = {
    "format": "mdp", "version": 1, "states": 3, "goal": [2],
    "choices": [
        {"state": 0, "action": "sure", "cost": 3, "to": [[2, 1]]},
        {"state": 0, "action": "gamble", "cost": 1, "to": [[2, 0.5], [0, 0.5]]},
        {"state": 1, "action": "loop", "cost": 1, "to": [[1, 1]]},
    ],
}  # fmt: skip


class Certify(program.ProgramTest):
    def test_exact_values_of_two_states(self):
        for model, sign in ((program.TWO_STATES, 1), (program.maximised(program.TWO_STATES), -1)):
            file = self.write("m.json", model)
            values = self.write("v.json", [f"{2 * sign}/3", 2 * sign])
            result = self.json("certify", file, "--values", values)
            self.assertEqual(result["status"], "converged")
            self.assertEqual((result["level"], result["criterion"]), ("certified", "discounted"))
            self.assertEqual(result["objective"], model["objective"])
            self.assertEqual(result["discount"], 0.5)
            self.assertEqual(result["action_verdict"], [["not_optimal", "optimal"], ["optimal"]])
            self.assertEqual(result["policy"], [1, 0])
            self.assertLess(result["value_error_bound"], 1e-15)
            self.assertLess(result["given_error_bound"], 1e-15)
            self.assertLess(result["policy_loss_bound"], 1e-14)
            for low, v, high in zip(result["value_lower"], (2 * sign / 3, 2 * sign), result["value_upper"]):
                self.assertTrue(low <= v <= high)
            self.assertAlmostEqual(result["gap_lower"][0], 2 / 3, delta=1e-12)  # Q(stay) = 4/3
            self.assertEqual((result["gap_lower"][1], result["gap_upper"][1]), ("inf", "inf"))

    def test_worthless_values_give_a_wide_and_true_enclosure(self):
        result = self.json("certify", self.two_states(), "--values", self.write("v.json", [1e6, -3]), code=1)
        self.assertEqual(result["status"], "precision_limit")
        for low, v, high in zip(result["value_lower"], (2 / 3, 2), result["value_upper"]):
            self.assertTrue(low <= v <= high)
        self.assertEqual({x for row in result["action_verdict"] for x in row} - NAMES, set())
        self.mdp("certify", self.two_states(), "--values", "v.json", "--tolerance", "1e7")

    def test_the_loss_of_a_policy(self):
        values, policy = self.write("v.json", ["2/3", 2]), self.write("p.json", [0, 0])
        result = self.json("certify", self.two_states(), "--values", values, "--policy", policy)
        self.assertEqual(result["policy"], [0, 0])
        self.assertAlmostEqual(result["policy_loss_bound"], 2 - 2 / 3, delta=1e-12)  # always staying costs 2
        mixed = self.json("certify", "two.json", "--values", values, "--policy", self.write("q.json", [[0.5, 0.5], 0]))
        self.assertEqual(mixed["policy"], [[0.5, 0.5], [1.0]])
        self.assertGreater(mixed["policy_loss_bound"], 0.1)

    def test_results_of_solve_in_every_criterion(self):
        model = self.write("g.json", TO_GOAL)
        for criterion, flags in (
            ("goal", []), ("goal", ["--improper", "excluded"]), ("reach", []), ("total", []), ("average", []),
            ("finite", ["--horizon", 7]), ("discounted", ["--discount", "9/10"]),
        ):  # fmt: skip
            for file in ("solved.json", "solved.npz"):
                flagged = ["--criterion", criterion, *flags]
                solved = self.json("solve", model, *flagged, "--output", file)
                result = self.json("certify", model, "--values", file, *flagged)
                self.assertEqual((result["status"], result["criterion"]), ("converged", criterion))
                kind = "gain" if criterion == "average" else "value"
                numbers = zip(result[kind + "_lower"], solved[kind], result[kind + "_upper"])
                for low, v, high in numbers:
                    self.assertTrue(low == v == high or float(low) <= float(v) <= float(high), (criterion, low, v, high))
                self.assert_shaped(result["action_verdict"], [2, 1, 1])
        goal = self.json("certify", model, "--values", self.write("v.json", [2, "inf", 0]), "--criterion", "goal")
        self.assertEqual(goal["action_verdict"][0], ["not_optimal", "optimal"])
        self.assertEqual(goal["value_lower"][1], "inf")
        self.assertAlmostEqual(goal["gap_lower"][0], 1, delta=1e-9)  # 3 + 0 against 1 + 1

    def test_values_that_do_not_fit(self):
        model = self.two_states()
        self.assertIn("has 3 entries, required 2", self.complaint("certify", model, "--values", self.write("v.json", [1, 2, 3]), code=3))
        self.complaint("certify", model, "--values", self.write("v.json", [1, None]), code=3)
        self.complaint("certify", model, "--values", self.write("v.json", {"q": [1, 2]}), code=3)
        self.complaint("certify", model, "--values", "missing.npy", code=3)
        self.complaint("certify", model, code=2)
        self.complaint("certify", model, "--values", self.write("v.json", [1, 2]), "--level", "approximate", code=2)
        misplaced = self.json("certify", model, "--values", self.write("v.json", ["inf", 2]), code=1)
        self.assertEqual(misplaced["given_error_bound"], "inf")

    def test_files_and_tables(self):
        self.write("v.json", ["2/3", 2])
        text = self.mdp("certify", self.two_states(), "--values", "v.json", "--output", "c.json").stdout
        self.assertIn("1 not", text)
        written = json.loads((self.folder / "c.json").read_text())
        self.assertEqual(written["action_verdict"], [["not_optimal", "optimal"], ["optimal"]])
        self.mdp("certify", "two.json", "--values", "v.json", "--output", "c.npz")


if __name__ == "__main__":
    unittest.main(argv=["certify_test.py"])
