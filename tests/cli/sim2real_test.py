"""Commands on studies of kind sim2real: tune, sensitivity, and study itself."""
import math

import program

SMALL = """
kind = "sim2real"
title = "A small lake"
seed = 3
[[experiment]]
name = "grid"
temperature = 0.02
samples_per_row = 100
[experiment.world]
kind = "gridworld"
map = ["S...", ".HH.", "....", "H..G"]
slip = "3/10"
discount = "19/20"
[[experiment.component]]
model = "most-likely"
[[experiment.component]]
model = "even"
%s
[[learner]]
name = "likelihood"
objective = "likelihood"
moves = ["transitions"]
gradient_tolerance = 1e-6
[[learner]]
name = "cost"
objective = "performance"
moves = ["cost"]
start = "likelihood"
[[learner]]
name = "both"
objective = "performance"
moves = ["transitions", "cost"]
start = "likelihood"
"""
GROUPS = """[experiment.policy]
class = "shared"
groups = [%s]
"""


class Tune(program.ProgramTest):
    def study(self, extra=""):
        return self.write("small.toml", SMALL % extra)

    def test_the_three_learners(self):
        result = self.json("tune", self.study(), "--check")
        self.assertEqual(result["status"], "converged")
        (grid,) = result["experiments"]
        likelihood, cost, both = grid["learners"]
        self.assertEqual(likelihood["ending"], "stationary")
        self.assertGreater(likelihood["regret_lower"], 1e-3)
        for learner in (cost, both):
            self.assertEqual(learner["ending"], "regret zero")
            self.assertLess(learner["regret_upper"], 1e-7)
            self.assertLess(grid["optimal_value"] - learner["regret_upper"], learner["world_value"])
        # The transitions did not move, and are still wrong.
        self.assertEqual(cost["log_likelihood"], likelihood["log_likelihood"])
        self.assertEqual(cost["theta"][:2], likelihood["theta"][:2])
        self.assertGreater(cost["epsilon"], 1e-2)
        self.assertAlmostEqual(sum(both["theta"][:2]), 1, delta=1e-12)
        for learner in grid["learners"]:
            trace = learner["trace"]
            self.assertEqual(trace["iteration"], list(range(learner["iterations"] + 1)))
            for key in ("world_value", "regret_lower", "regret_upper", "epsilon", "level", "log_likelihood"):
                self.assertEqual(len(trace[key]), len(trace["iteration"]), key)
            self.assertTrue(learner["check"]["agrees"], learner["check"])
            self.assertGreater(len(learner["check"]["entries"]), 3)
        table = self.mdp("tune", self.study(), "--learner", "cost").stdout
        self.assertIn("regret zero", table)
        self.assertNotIn("both", table)

    def test_stopped_and_resumed_is_the_same_to_the_bit(self):
        study = self.study()
        whole = self.json("tune", study, "--threads", "1")
        self.assertEqual(self.json("tune", study, "--threads", "2"), whole)
        stopped = self.json("tune", study, "--checkpoint", "c.json", "--iterations", "9", code=1)
        self.assertNotEqual(stopped, whole)
        self.assertEqual(self.json("tune", study, "--resume", "c.json"), whole)
        other = self.write("other.toml", (SMALL % "").replace("seed = 3", "seed = 4"))
        self.assertIn("belongs to another study", self.complaint("tune", other, "--resume", "c.json", code=3))
        self.complaint("tune", study, "--resume", self.write("bad.json", "{}"), code=3)
        self.assertIn("--learner", self.complaint("tune", study, "--resume", "c.json", "--learner", "cost", code=2))

    def test_what_is_wrong(self):
        study = self.study()
        self.assertIn("did you mean cost?", self.complaint("tune", study, "--learner", "costs", code=2))
        self.complaint("tune", study, "--experiment", "lake", code=2)
        for old, new, word in (
            ("temperature = 0.02", "temperature = 0", "temperature"),
            ('moves = ["cost"]', 'moves = ["costs"]', "moves"),
            ('start = "likelihood"\n[[', 'start = "later"\n[[', "start"),
            ('kind = "sim2real"', 'kind = "candidates"', "kind"),
            ("samples_per_row", "samples", "samples_per_row"),
        ):
            with self.subTest(word):
                wrong = self.write("wrong.toml", (SMALL % "").replace(old, new, 1))
                self.assertIn(word, self.complaint("tune", wrong, code=3))

    def test_study_writes_a_report(self):
        report = self.json("study", self.study(), "--output", "out")
        self.assertEqual(len(report["experiments"][0]["learners"]), 3)
        page = (self.folder / "out" / "report.md").read_text()
        self.assertIn("| regret zero", page)
        # The model of a learner is a model file; its optimal policy is the world's.
        solved = self.json("solve", "out/grid.cost.npz", "--tolerance", "1e-10")
        world = self.json("solve", "out/grid.world.npz", "--tolerance", "1e-10")
        policy = self.write("policy.json", solved["policy"])
        value = self.json("evaluate", "out/grid.world.npz", "--policy", policy, "--tolerance", "1e-10")["value"]
        self.assertAlmostEqual(value[0], world["value"][0], delta=1e-8)


class Sensitivity(program.ProgramTest):
    def test_tabular_is_local(self):
        study = self.write("small.toml", SMALL % "")
        result = self.json("sensitivity", study, "--temperature", "5", "--parameters", "0,1,2,5,40", "--check")
        self.assertEqual(result["parameters"], [0, 1, 2, 5, 40])
        self.assertEqual(result["path"], "local in every state (D7)")
        self.assertLess(result["d7_error"], 1e-9)
        self.assertLess(result["adjoint_defect"], 1e-9)
        self.assertLess(result["stationarity_bound"], 1e-8)
        self.assertTrue(result["check"]["agrees"], result["check"])
        self.assertEqual(result["check"]["n_parameters"], 3)  # a weight of a mixture does not move alone
        for d_policy in result["d_policy"]:
            self.assertAlmostEqual(sum(d_policy), 0, delta=1e-10)
        parts = result["hessian_parts"]
        for name in ("fisher", "advantage", "cross"):
            self.assertLess(parts[name], 1e-9 * parts["total"])
        dense = self.json("sensitivity", study, "--temperature", "5", "--parameters", "2", "--path", "dense")
        self.assertEqual(dense["path"], "dense Hessian")
        for a, b in zip(dense["d_policy"][0], result["d_policy"][2]):
            self.assertAlmostEqual(a, b, delta=1e-8)

    def test_shared_logits_need_the_hessian(self):
        n = len(self.json("solve", self.world())["value"])
        study = self.write("shared.toml", SMALL % (GROUPS % ", ".join(str(s % 3) for s in range(n))))
        result = self.json("sensitivity", study, "--temperature", "5", "--check")
        self.assertEqual(result["path"], "dense Hessian")
        self.assertGreater(result["d7_error"], 1e-3)
        self.assertTrue(result["check"]["agrees"], result["check"])
        self.assertLess(result["adjoint_defect"], 1e-7)
        self.assertGreater(result["curvature_min"], 0)
        self.assertGreater(result["hessian_parts"]["cross"], 1e-3)
        free = self.json("sensitivity", study, "--temperature", "5", "--path", "matrix-free")
        for a, b in zip(free["d_world_value"], result["d_world_value"]):
            self.assertTrue(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-8), (a, b))

    def test_without_entropy_it_is_refused(self):
        study = self.write("small.toml", SMALL % "")
        result = self.json("sensitivity", study, "--temperature", "0", code=1)
        self.assertEqual(result["status"], "refused")
        self.assertIn("ill-posed (D6)", result["message"])
        self.assertNotIn("d_nu", result)
        self.complaint("sensitivity", study, "--path", "sparse", code=2)
        self.complaint("sensitivity", study, "--parameters", "9999", code=2)

    def world(self):
        self.mdp("study", self.write("w.toml", (SMALL % "").split("[[learner]]\nname = \"cost\"")[0]), "--output", "w")
        return "w/grid.world.npz"


if __name__ == "__main__":
    program.main()
