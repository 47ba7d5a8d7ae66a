"""solve, evaluate and info: keys, shapes, senses, names and the numbers themselves."""
import json
import math
import unittest

import program


class Solve(program.ProgramTest):
    KEYS = """status message level criterion objective discount value value_lower value_upper policy q value_error_bound
              policy_loss_bound method sweeps iterations seconds""".split()

    def test_keys_and_shapes(self):
        result = self.json("solve", self.two_states())
        self.assertEqual(list(result), self.KEYS)
        self.assertEqual(result["status"], "converged")
        self.assertEqual(result["level"], "certified")
        self.assertEqual(result["criterion"], "discounted")
        self.assertEqual(result["objective"], "minimize")
        self.assertEqual(result["discount"], 0.5)
        self.assertEqual(result["policy"], [1, 0])
        self.assert_shaped(result["q"], [2, 1])
        for s, truth in enumerate((2 / 3, 2)):
            self.assertLessEqual(result["value_lower"][s], truth * (1 + 1e-15))
            self.assertGreaterEqual(result["value_upper"][s], truth * (1 - 1e-15))
            self.assertAlmostEqual(result["value"][s], truth, delta=1e-9)
        for q, truth in zip(sum(result["q"], []), (4 / 3, 2 / 3, 2)):
            self.assertAlmostEqual(q, truth, delta=1e-8)
        self.assertLessEqual(result["value_error_bound"], 3e-9)
        self.assertGreaterEqual(result["policy_loss_bound"], 0)

    def test_frozen_lake(self):
        self.mdp("generate", "gridworld", "--preset", "frozenlake4x4", "--output", "lake.json")
        result = self.json("solve", "lake.json", "--tolerance", "1e-10")
        self.assertEqual(result["objective"], "maximize")
        self.assertLess(abs(result["value"][0] - 0.542025932000), 5e-13 + 1e-10)
        self.assertLess(result["value_error_bound"], 1e-9)
        self.assertLessEqual(result["value_lower"][0], 0.5420259320005)
        self.assertGreaterEqual(result["value_upper"][0], 0.5420259319995)

    def test_maximising_mirrors_minimising(self):
        low = self.json("solve", self.two_states())
        high = self.json("solve", self.write("rewards.json", program.maximised(program.TWO_STATES)))
        self.assertEqual(high["objective"], "maximize")
        self.assertEqual(high["value"], [-v for v in low["value"]])
        self.assertEqual(high["value_lower"], [-v for v in low["value_upper"]])
        self.assertEqual(high["value_upper"], [-v for v in low["value_lower"]])
        self.assertEqual(high["q"], [[-q for q in state] for state in low["q"]])
        self.assertEqual(high["policy"], low["policy"])
        self.assertEqual(high["value_error_bound"], low["value_error_bound"])

    def test_inadmissible_pairs_are_infinite(self):
        choices = [dict(c) for c in program.TWO_STATES["choices"]]
        choices[2]["cost"] = "inf"
        low = self.json("solve", self.two_states(choices=choices))
        self.assertEqual(low["value"][1], "inf")
        self.assertEqual(low["value_lower"][1], "inf")
        self.assertEqual(low["q"][0][1], "inf")
        self.assertEqual(low["policy"][0], 0)
        choices = [dict(c, cost="-inf" if c["cost"] == "inf" else -c["cost"]) for c in choices]
        high = self.json("solve", self.two_states(choices=choices, objective="maximize"))
        self.assertEqual(high["value"][1], "-inf")
        self.assertEqual(high["q"][0][1], "-inf")

    def test_soft_values(self):
        # One action: no entropy, the value of the plain problem. Two equal ones: log 2 less at every step.
        one = {"format": "mdp", "version": 1, "discount": 0.5, "states": 1, "choices": [{"state": 0, "cost": 1, "to": [[0, 1]]}]}
        flags = ("--method", "soft-value-iteration", "--temperature", "0.5")
        self.assertAlmostEqual(self.json("solve", self.write("one.json", one), *flags)["value"][0], 2.0, 8)
        result = self.json("solve", self.write("two.json", dict(one, choices=2 * one["choices"])), *flags)
        self.assertAlmostEqual(result["value"][0], 2.0 * (1.0 - 0.5 * math.log(2.0)), 8)
        for probability in result["policy"][0]:
            self.assertAlmostEqual(probability, 0.5, 12)

    def test_checkpoint_and_resume(self):
        self.mdp("generate", "gridworld", "--width", "30", "--height", "30", "--discount", "0.999", "--output", "grid.umb")
        flags = ("solve", "grid.umb", "--method", "value-iteration")
        whole = self.json(*flags, "--checkpoint", "other")
        self.json(*flags, "--max-sweeps", "120", "--checkpoint", "state", code=1)
        resumed = self.json(*flags, "--resume", "state", "--threads", "1")
        for key in ("value", "value_lower", "value_upper", "policy", "sweeps"):
            self.assertEqual(resumed[key], whole[key])
        self.assertIn("other options", self.complaint(*flags, "--resume", "state", "--tolerance", "1e-3", code=3))
        self.complaint(*flags, "--resume", "missing", code=3)
        self.assertIn("in doubles", self.complaint("solve", "grid.umb", "--level", "exact", "--checkpoint", "state", code=2))

    def test_checkpoint_and_resume_of_a_finite_horizon(self):
        self.mdp("generate", "gridworld", "--width", "6", "--height", "5", "--discount", "0.9", "--output", "grid.umb")
        flags = ("solve", "grid.umb", "--criterion", "finite", "--horizon", "250")
        whole = self.json(*flags)
        self.json(*flags, "--max-sweeps", "230", "--checkpoint", "state", code=1)
        resumed = self.json(*flags, "--resume", "state", "--threads", "1")
        for key in ("value_lower", "value_upper", "value_by_stage", "policy_by_stage", "sweeps"):
            self.assertEqual(resumed[key], whole[key])
        self.complaint(*flags[:-1], "251", "--resume", "state", code=3)

    def test_stages_without_a_discount(self):
        self.mdp("generate", "gridworld", "--width", "20", "--height", "20", "--slip", "0.3", "--discount", "1", "--output", "walk.umb")
        flags = ("solve", "walk.umb", "--criterion", "goal", "--method", "value-iteration")
        whole = self.json(*flags, "--checkpoint", "other")
        self.json(*flags, "--max-sweeps", "120", "--checkpoint", "state", code=1)
        resumed = self.json(*flags, "--resume", "state", "--threads", "1")
        self.assertGreater(whole["sweeps"], 120)
        for key in ("value", "value_lower", "value_upper", "policy", "sweeps"):
            self.assertEqual(resumed[key], whole[key])
        refused = self.json(*flags[:-1], "interval-iteration", "--checkpoint", "state", code=1)
        self.assertIn("one vector", refused["message"])

    def test_start_from_values(self):
        model = self.two_states()
        cold = self.json("solve", model, "--method", "value-iteration")
        self.write("v.json", cold["value"])
        warm = self.json("solve", model, "--method", "value-iteration", "--start", "v.json")
        self.assertLess(warm["sweeps"], cold["sweeps"])
        self.assertEqual(warm["status"], "converged")
        self.complaint("solve", model, "--start", "missing.json", code=3)

    def test_memory_limit(self):
        self.mdp("generate", "gridworld", "--width", "400", "--height", "2", "--discount", "0.999", "--output", "walk.umb")
        flags = ("solve", "walk.umb", "--method", "policy-iteration")
        self.assertIn("narrow", self.json(*flags)["message"])
        self.assertIn("above the memory limit", self.json(*flags, "--memory-limit", "1KB")["message"])

    def test_methods_agree(self):
        for method in ("auto", "value-iteration", "gauss-seidel", "prioritized", "topological", "policy-iteration",
                       "modified-policy-iteration", "inexact-policy-iteration", "anderson", "action-elimination"):
            result = self.json("solve", self.two_states(), "--method", method)
            self.assertEqual(result["policy"], [1, 0])
            self.assertAlmostEqual(result["value"][0], 2 / 3, delta=1e-9)

    def test_stopped_early_says_so_and_is_still_right(self):
        result = self.json("solve", self.two_states(), "--method", "value-iteration", "--max-sweeps", "2", code=1)
        self.assertEqual(result["status"], "sweep_limit")
        self.assertLessEqual(result["value_lower"][0], 2 / 3)
        self.assertGreaterEqual(result["value_upper"][0], 2 / 3)

    def test_tolerance_zero_is_a_precision_limit(self):
        choices = [dict(c) for c in program.TWO_STATES["choices"]]
        choices[0]["cost"] = choices[1]["cost"] = "1/3"
        result = self.json("solve", self.two_states(choices=choices), "--tolerance", "0", "--relative-tolerance", "0", code=1)
        self.assertEqual(result["status"], "precision_limit")

    def test_approximate_has_no_bounds(self):
        result = self.json("solve", self.two_states(), "--level", "approximate")
        self.assertEqual(result["level"], "approximate")
        for key in ("value_lower", "value_upper", "value_error_bound", "policy_loss_bound"):
            self.assertNotIn(key, result)

    def test_discount_flag_is_taken_exactly(self):
        third = self.json("solve", self.two_states(), "--discount", "1/3")
        self.assertEqual(third["discount"], 1 / 3)
        self.assertAlmostEqual(third["value"][1], 1.5, delta=1e-9)

    def test_trace(self):
        self.mdp("solve", self.two_states(), "--method", "value-iteration", "--trace", "t.jsonl")
        records = [json.loads(line) for line in (self.folder / "t.jsonl").read_text().splitlines()]
        self.assertGreater(len(records), 1)
        self.assertEqual([r["sweep"] for r in records], sorted(r["sweep"] for r in records))
        self.assertLess(records[-1]["half_width"], records[0]["half_width"])
        for record in records:
            self.assertLess(record["lower"], record["upper"])
            self.assertGreaterEqual(record["policy_changes"], 0)
        # The sweep of V = 0 reads the costs only, every later one all transitions.
        first, second, third = (r["bytes"] for r in records[:3])
        self.assertGreater(first, 0)
        self.assertGreater(second - first, first)
        self.assertEqual(third - second, second - first)

    def test_tables_show_names_and_stay_short(self):
        text = self.mdp("solve", self.two_states()).stdout
        self.assertIn("converged", text)
        self.assertIn("0 (home)", text)
        self.assertIn("1 (go)", text)
        self.mdp("generate", "garnet", "--states", "3000", "--discount", "0.5", "--output", "g.npz")
        text = self.mdp("solve", "g.npz").stdout
        self.assertLess(len(text.splitlines()), 60)
        self.assertIn("more states", text)

    def test_threads_do_not_change_a_bit(self):
        self.mdp("generate", "garnet", "--states", "3000", "--discount", "0.9", "--output", "g.npz")
        results = []
        for threads in ("1", "2", "4"):
            result = self.json("solve", "g.npz", "--threads", threads)
            del result["seconds"]
            results.append(result)
        self.assertEqual(results[0], results[1])
        self.assertEqual(results[0], results[2])


class Criteria(program.ProgramTest):
    def test_finite(self):
        terminal = self.write("terminal.json", [8, 0])
        result = self.json("solve", self.two_states(), "--criterion", "finite", "--horizon", "2", "--terminal", terminal)
        # V_2 = (8, 0); V_1 = (min(1 + 4, 2), 1); V_0 = (min(1 + 1, 3/4), 3/2)
        self.assertEqual(result["value_by_stage"], [[0.75, 1.5], [2, 1], [8, 0]])
        self.assertEqual(result["policy_by_stage"], [[1, 0], [1, 0]])
        self.assertEqual((result["value"], result["policy"]), ([0.75, 1.5], [1, 0]))
        self.assertEqual(result["q"], [[2, 0.75], [1.5]])
        rewards = self.write("rewards.json", program.maximised(program.TWO_STATES))
        terminal = self.write("terminal.json", [-8, 0])
        mirrored = self.json("solve", rewards, "--criterion", "finite", "--horizon", "2", "--terminal", terminal)
        self.assertEqual(mirrored["value_by_stage"], [[-0.75, -1.5], [-2, -1], [-8, 0]])

    def test_goal_total_and_reach(self):
        goal = self.two_states(goal=["work"], choices=program.TWO_STATES["choices"][:2], discount=1)
        result = self.json("solve", goal)
        self.assertEqual((result["criterion"], result["value"], result["policy"][0]), ("goal", [0, 0], 1))
        self.assertNotIn("discount", result)
        self.assertEqual(self.json("solve", goal, "--criterion", "reach")["value"], [0, 1])  # the least: stay
        best = self.json("solve", self.two_states("max.json", goal=["work"], objective="maximize",
                                                  choices=program.TWO_STATES["choices"][:2]), "--criterion", "reach")  # fmt: skip
        self.assertEqual((best["value"], best["q"][0][0]), ([1, 1], 1))
        total = self.json("solve", self.two_states(), "--criterion", "total")
        self.assertEqual(total["value"], ["inf", "inf"])

    def test_average(self):
        result = self.json("solve", self.two_states(), "--criterion", "average")
        for key in ("gain", "gain_lower", "gain_upper", "bias"):
            self.assertIn(key, result)
        self.assertNotIn("value", result)
        self.assertAlmostEqual(result["gain"][1], 1, delta=1e-9)
        self.assertIn("gain", self.mdp("solve", self.two_states(), "--criterion", "average").stdout)

    def test_policies(self):
        goal = self.two_states(goal=["work"], choices=program.TWO_STATES["choices"][:2], discount=1)
        stay = self.write("stay.json", [0, 0])
        self.assertEqual(self.json("evaluate", goal, "--policy", stay)["value"], ["inf", 0])
        half = self.write("half.json", [["1/2", "1/2"], 0])
        # leaves with probability 1/4 a stage, pays 1/2 a stage until then
        self.assertAlmostEqual(self.json("evaluate", goal, "--policy", half)["value"][0], 2, delta=1e-9)
        self.assertAlmostEqual(self.json("evaluate", goal, "--policy", half, "--criterion", "reach")["value"][0], 1, delta=1e-9)


class Evaluate(program.ProgramTest):
    def test_deterministic_randomised_and_solved_policies(self):
        model = self.two_states()
        stay = self.json("evaluate", model, "--policy", self.write("stay.json", [0, 0]))
        self.assertEqual(stay["policy"], [0, 0])
        self.assertAlmostEqual(stay["value"][0], 2, delta=1e-9)
        mixed = self.json("evaluate", model, "--policy", self.write("mixed.json", [["1/2", "1/2"], 0]))
        self.assertEqual(mixed["policy"], [[0.5, 0.5], [1]])
        # V = (1 + V/2)/2 + (V + 2)/8 = 3/4 + 3V/8
        self.assertAlmostEqual(mixed["value"][0], 1.2, delta=1e-9)
        self.mdp("solve", model, "--output", "solved.json")
        best = self.json("evaluate", model, "--policy", "solved.json")
        self.assertAlmostEqual(best["value"][0], 2 / 3, delta=1e-9)
        self.assert_shaped(best["q"], [2, 1])
        self.assertLessEqual(best["value_lower"][0], best["value"][0])
        for key in ("status", "level", "criterion", "objective", "discount", "value_error_bound", "seconds"):
            self.assertIn(key, best)

    def test_maximising(self):
        model = self.write("rewards.json", program.maximised(program.TWO_STATES))
        result = self.json("evaluate", model, "--policy", self.write("stay.json", [0, 0]))
        self.assertAlmostEqual(result["value"][0], -2, delta=1e-9)
        self.assertLessEqual(result["value_lower"][0], result["value_upper"][0])


class Info(program.ProgramTest):
    def test_keys(self):
        result = self.json("info", self.two_states())
        for key, value in {"n_states": 2, "n_rows": 3, "n_transitions": 4, "n_goals": 0, "objective": "minimize",
                           "discount": 0.5, "row_sum_defect": 0, "n_components": 2, "n_end_components": 2,
                           "reachable_states": 2}.items():  # fmt: skip
            self.assertEqual(result[key], value, key)
        self.assertEqual(result["goal_reachable"], {"sure": 0, "almost_sure": 0, "possible": 0})
        self.assertEqual((result["min_cost"], result["max_cost"]), (0, 1))

    def test_goals(self):
        model = self.two_states(goal=["work"], choices=program.TWO_STATES["choices"][:2])
        result = self.json("info", model)
        self.assertEqual(result["n_goals"], 1)
        self.assertEqual(result["goal_reachable"], {"sure": 1, "almost_sure": 2, "possible": 2})
        self.assertEqual(result["goal_reachable_always"]["sure"], 1)

    def test_structure(self):
        ring = {"format": "mdp", "version": 1, "states": 4,
                "choices": [{"state": s, "cost": 1, "to": [[(s + 1) % 4, 1]]} for s in range(4)]}  # fmt: skip
        result = self.json("info", self.write("ring.json", ring))
        self.assertEqual(
            [result[key] for key in ("communicating", "weakly_communicating", "unichain", "max_period")],
            [True, True, "yes", 4],
        )
        self.assertIn("communicating, unichain: yes; cycles of period 4", self.mdp("info", "ring.json").stdout)

    def test_costs_are_in_the_sense_of_the_file(self):
        result = self.json("info", self.write("rewards.json", program.maximised(program.TWO_STATES)))
        self.assertEqual((result["min_cost"], result["max_cost"]), (-1, 0))
        self.assertIn("maximize", self.mdp("info", "rewards.json").stdout)


if __name__ == "__main__":
    program.main()
