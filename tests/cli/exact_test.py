"""--level exact of solve and evaluate."""
import fractions
import json
import unittest

import program

CASES = program.SOURCE / "data" / "cases"
FLAGS = {
    "discounted": [],
    "average": ["--criterion", "average"],
    "reach_probability": ["--criterion", "reach"],
    "reward_to_goal": ["--criterion", "goal"],
    "ssp_proper": ["--criterion", "goal", "--improper", "excluded"],
    "total": ["--criterion", "total"],
}


def number(text):
    return text if text in ("inf", "-inf") else fractions.Fraction(text)


class Exact(program.ProgramTest):
    def test_every_exact_value_of_the_cases(self):
        n_cases = 0
        for path in sorted(CASES.glob("*.expected.json")):
            expected = json.loads(path.read_text())
            truth = expected["expected"].get("values_exact")
            if truth is None or expected["kind"] == "finite_horizon":
                continue
            n_cases += 1
            model = path.with_name(path.name.replace(".expected", ""))
            flags = FLAGS[expected.get("semantics_id") or expected["kind"]]
            result = self.json("solve", str(model), *flags, "--level", "exact")
            self.assertEqual((result["status"], result["level"]), ("converged", "exact"), path.name)
            values = [number(v) for v in result["value_exact"]]
            wanted = [number(str(v)) for v in truth]
            if "reach" in flags:  # goal states carry 0 in the files
                for goal in json.loads(model.read_text()).get("goal", []):
                    wanted[goal] = 1
            self.assertEqual(values, wanted, path.name)
        self.assertGreaterEqual(n_cases, 50)

    def test_decimals_and_the_flag_are_taken_as_written(self):
        model = self.two_states()  # V(work) = 1/(1 - g), V(home) = min(1/(1 - g), g V(work)/(2 - g))
        result = self.json("solve", model, "--level", "exact", "--discount", "99/100")
        self.assertEqual(result["value_exact"], ["9900/101", "100"])
        self.assertEqual(result["optimal_actions"], [[1], [0]])
        self.assertEqual(result["policy_loss_bound"], 0)
        lower, upper = result["value_lower"][0], result["value_upper"][0]
        self.assertLessEqual(fractions.Fraction(lower), fractions.Fraction(9900, 101))
        self.assertGreaterEqual(fractions.Fraction(upper), fractions.Fraction(9900, 101))
        self.assertLess(upper - lower, 2e-14)

    def test_evaluate_takes_probabilities_as_written(self):
        policy = self.write("policy.json", [["1/3", "2/3"], 0])
        result = self.json("evaluate", self.two_states(), "--policy", policy, "--level", "exact")
        # V = 1/3 (1 + V/2) + 2/3 (V/4 + 1/2)
        self.assertEqual(result["value_exact"], ["1", "2"])
        self.assertEqual(result["level"], "exact")

    def test_infinities_and_undefined(self):
        choices = [
            {"state": 0, "action": "left", "cost": 1, "to": [[1, 1]]},
            {"state": 0, "action": "right", "cost": 2, "to": [[2, 1]]},
            {"state": 1, "cost": 1, "to": [[1, 1]]},
            {"state": 2, "cost": -1, "to": [[2, 1]]},
        ]
        model = self.write("both.json", {"format": "mdp", "version": 1, "states": 3, "choices": choices})
        result = self.json("solve", model, "--criterion", "total", "--level", "exact", code=1)
        self.assertEqual(result["status"], "undefined")
        self.assertEqual(result["value"], [None, "inf", "-inf"])
        self.assertEqual(result["value_exact"], ["undefined", "inf", "-inf"])
        self.assertEqual(result["witness"], [0, 1, 0, 2])

    def test_terminal_cost_as_written(self):
        last = self.write("last.json", ["1/3", "inf"])
        result = self.json(
            "solve", self.two_states(), "--criterion", "finite", "--horizon", "1", "--terminal", last, "--level", "exact"
        )
        self.assertEqual(result["value_exact"], ["7/6", "inf"])
        self.assertEqual(result["value_by_stage_exact"], [["7/6", "inf"], ["1/3", "inf"]])

    def test_the_memory_limit_is_that_of_the_exact_level_too(self):
        model = str(CASES / "puterman_inventory_disc09.json")
        result = self.json("solve", model, "--level", "exact", "--memory-limit", "10B", code=1)
        self.assertEqual(result["status"], "refused")
        self.assertIn("limit 10", result["message"])

    def test_flags_that_do_not_fit(self):
        model = self.two_states()
        self.assertIn("level exact", self.complaint("solve", model, "--level", "exact", "--method", "value-iteration", code=2))
        self.complaint("solve", model, "--level", "exact", "--discount", "1.5", code=2)


if __name__ == "__main__":
    program.main()
