"""check: keys, exit codes, witnesses."""
import unittest

import program


def one_state(costs, discount):
    choices = [{"state": 0, "action": f"a{i}", "cost": c, "to": [[0, 1]]} for i, c in enumerate(costs)]
    return {"format": "mdp", "version": 1, "discount": discount, "states": 1, "choices": choices}


class Check(program.ProgramTest):
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
        self.assertEqual(result["levels"]["E3"]["witness"], {"state": 0, "action": 1})
        self.assertEqual(result["regret"], 0)
        self.assertAlmostEqual(result["q_error"], 2, delta=1e-9)

    def test_requirements_decide_the_exit_code(self):
        world, model = one_state([0, 1], 0.9), one_state([0, 3], 0.5)
        self.check(world, model, "--require", "E5")
        self.check(world, model, "--require", "E6-some")
        self.check(world, model, "--require", "E4", code=1)
        self.check(world, model, "--require", "E0", code=1)

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
