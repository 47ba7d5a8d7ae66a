"""check: keys, exit codes, witnesses."""
import unittest

import program


def one_state(costs, discount):
    choices = [{"state": 0, "action": f"a{i}", "cost": c, "to": [[0, 1]]} for i, c in enumerate(costs)]
    return {"format": "mdp", "version": 1, "discount": discount, "states": 1, "choices": choices}


class Check(program.ProgramTest):
    def test_least_change(self):
        one = lambda costs: {"format": "mdp", "version": 1, "discount": "1/2", "states": 1, "choices": [
            {"state": 0, "action": str(a), "cost": c, "to": [[0, 1]]} for a, c in enumerate(costs)]}  # fmt: skip
        world, model = self.write("world.json", one([0, 1])), self.write("model.json", one([3, 1]))
        flags = "check", "--world", world, "--model", model, "--least-change"
        # (3, 1) -> (2, 2): half of the difference each, the first action then optimal.
        least = self.json(*flags, "l2")["least_change"]
        self.assertAlmostEqual(least["size"], 2**0.5, delta=1e-6)
        self.assertLessEqual(least["size_lower"], least["size"])
        self.assertIn("l1, l2, linf", self.complaint(*flags, "l3", code=2))

    def test_cost_distance(self):
        # Shaping (Phi = (3, 0)) and a positive factor change nothing; the opposite cost is at distance 1.
        two = lambda costs: {"format": "mdp", "version": 1, "discount": "1/2", "states": 2, "choices": [
            {"state": s, "action": a, "cost": c, "to": [[to, 1]]} for (s, a, to), c in
            zip([(0, "stay", 0), (0, "go", 1), (1, "stay", 1), (1, "go", 0)], costs)]}  # fmt: skip
        world = self.write("world.json", two([1, 2, 0, 5]))
        for costs, expected in (([2, 4, 0, 10], 0), ([2.5, 5, 0, 3.5], 0), ([-1, -2, 0, -5], 1)):
            model = self.write("model.json", two(costs))
            result = self.json("check", "--world", world, "--model", model, "--cost-distance")
            self.assertAlmostEqual(result["cost_distance"]["value"], expected, delta=1e-9)
            self.assertLessEqual(result["cost_distance"]["lower"], result["cost_distance"]["upper"])
        self.assertNotIn("cost_distance", self.json("check", "--world", world, "--model", model))

    def check(self, world, model, *flags, code=0):
        world, model = self.write("world.json", world), self.write("model.json", model)
        return self.json("check", "--world", world, "--model", model, *flags, code=code)

    def test_keys(self):
        result = self.check(one_state([0, 1], 0.9), one_state([0, 3], 0.5))
        for key in """status level maximal levels precision criterion objective discount residual_max q_error q_error_bound
                      regret regret_bound""".split():
            self.assertIn(key, result)
        self.assertEqual(list(result["levels"]), ["E0", "E2", "E3", "E4", "E5", "E6"])
        self.assertEqual(result["level"], "E5")
        self.assertEqual(result["message"], "E5 and what follows from it")
        self.assertEqual(result["levels"]["E3"]["witness"], {"state": 0, "action": 1})
        self.assertEqual(result["regret"], 0)
        self.assertAlmostEqual(result["q_error"], 2, delta=1e-9)

    def test_requirements_decide_the_exit_code(self):
        world, model = one_state([0, 1], 0.9), one_state([0, 3], 0.5)
        self.check(world, model, "--require", "E5")
        self.check(world, model, "--require", "E6-some")
        self.check(world, model, "--require", "E4", code=1)
        self.check(world, model, "--require", "E0", code=1)

    def test_small_models_are_decided_in_rationals(self):
        # T4', one command for each pair of levels that are not the same: docs/levels.md.
        nine_tenths, half = "9/10", "1/2"
        for world, model, level, maximal in [
            (([0, 1], half), ([0, 1], half), "E0", ["E0"]),
            (([1], half), (["1/5"], nine_tenths), "E2", ["E2", "E3"]),
            (([0, 1], nine_tenths), ([0, 1], half), "E3", ["E3"]),
            (([0, 1], nine_tenths), ([0, 5], half), "E2", ["E2"]),
            (([0, 1], half), ([1, 2], half), "E4", ["E4"]),
            (([0, 1, 1], half), ([0, 1, 2], half), "E5", ["E5"]),
            (([0, 0], half), ([0, 1], half), "E6", ["E6"]),
            (([0, 1], half), ([0, 0], half), "none", ["E6-some"]),
            (([0, 1], half), ([1, 0], half), "none", []),
        ]:
            result = self.check(one_state(*world), one_state(*model))
            self.assertEqual((result["level"], result["maximal"]), (level, maximal))
            self.assertEqual(result["precision"], "exact")
            for verdict in result["levels"].values():
                self.assertIn(verdict["holds"], ("yes", "no"))

    def test_certified_leaves_ties_open(self):
        result = self.check(one_state([0, 0], 0.5), one_state([0, 0], 0.5), "--level", "certified")
        self.assertEqual(result["precision"], "certified")
        self.assertEqual(result["levels"]["E3"]["holds"], "undecided")
        self.assertEqual(result["levels"]["E5"]["holds"], "undecided")
        self.assertEqual(result["level"], "none")
        result = self.check(one_state([0, 0], 0.5), one_state([0, 0], 0.5), "--level", "exact", "--require", "E0")
        self.assertEqual((result["level"], result["precision"]), ("E0", "exact"))

    def test_arrays_are_dyadic(self):
        self.mdp("generate", "garnet", "--states", 30, "--actions", 3, "--successors", 4, "--seed", 1, "--output", "w.npz")
        result = self.json("check", "--world", "w.npz", "--model", "w.npz")
        self.assertEqual((result["level"], result["precision"]), ("E0", "exact"))

    def test_an_equivalent_cost_is_written_in_rationals(self):
        world = self.write("world.json", one_state([0, "1/7"], "1/3"))
        model = self.write("model.json", one_state([5, 7], "2/7"))
        pair = "--world", world, "--model"
        self.mdp("equivalent-cost", *pair, model, "--output", "made.json")
        self.json("check", *pair, "made.json", "--require", "E3")
        # To 106 bits, where the level is asked for: E3 to 1e-30 only.
        self.mdp("equivalent-cost", *pair, model, "--output", "rounded.json", "--level", "certified")
        result = self.json("check", *pair, "rounded.json", "--require", "E5")
        self.assertLess(result["levels"]["E3"]["number"]["upper"], 1e-15)

    def test_a_gridworld_with_ties_keeps_them(self):
        for name, slip, discount in ("world.json", 0.2, 0.95), ("model.json", 0.05, 0.9):
            self.mdp("generate", "gridworld", "--width", 4, "--height", 4, "--slip", slip, "--discount", discount,
                     "--output", name)
        pair = "--world", "world.json", "--model"
        self.mdp("equivalent-cost", *pair, "model.json", "--output", "made.json")
        result = self.json("check", *pair, "made.json", "--require", "E3")
        self.assertEqual(result["maximal"], ["E3"])

    def test_rewards(self):
        low = self.check(one_state([0, 1], 0.9), one_state([1, 0], 0.9))
        high = self.check(
            program.maximised(one_state([0, 1], 0.9)), program.maximised(one_state([1, 0], 0.9))
        )
        self.assertEqual(low["levels"], high["levels"])
        self.assertEqual(low["level"], "none")
        self.assertAlmostEqual(low["regret"], 10, delta=1e-9)

    def test_complaints(self):
        world = self.write("world.json", one_state([0, 1], 0.9))
        other = self.write("other.json", one_state([0], 0.9))
        pair = "check", "--world", world, "--model"
        self.assertIn("2 actions in the world, 1", self.complaint(*pair, other, code=3))
        self.assertIn("there is no E1", self.complaint(*pair, world, "--require", "E1", code=2))
        self.assertIn("discount is 1", self.complaint(*pair, world, "--discount-model", "1", code=3))


if __name__ == "__main__":
    program.main()
