"""Commands on studies of kind sim2real: tune, sensitivity, and study itself."""
import math
import struct
import zipfile

import program


def write_npz(path, **arrays):
    """An .npz file of float64 arrays as NumPy writes them: nested lists, all rows of a length."""
    with zipfile.ZipFile(path, "w") as members:
        for name, values in arrays.items():
            shape, flat = [], values
            while isinstance(flat, list) and flat and isinstance(flat[0], list):
                shape.append(len(flat))
                flat = sum(flat, [])
            if shape:
                shape.append(len(flat) // math.prod(shape))
            else:
                shape = [len(flat)]
            header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({', '.join(map(str, shape))},), }}"
            header = header.ljust(117) + "\n"
            image = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            members.writestr(name + ".npy", image + struct.pack(f"<{len(flat)}d", *flat))

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


class Sim2RealTest(program.ProgramTest):
    def world(self):
        self.mdp("study", self.write("w.toml", (SMALL % "").split("[[learner]]\nname = \"cost\"")[0]), "--output", "w")
        return "w/grid.world.npz"


class Tune(Sim2RealTest):
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

    def family(self, keys, **arrays):
        """The small study with a family of its own and an .npz file beside it."""
        write_npz(self.folder / "family.npz", **arrays)
        text = SMALL % f'[experiment.family]\nfile = "family.npz"\n{keys}\n'
        return self.write("family.toml", text)

    def test_features_and_start_from_npz(self):
        n_rows = sum(map(len, self.json("solve", self.world())["q"]))
        # One cost for each of the four directions: too few to remove the regret, and what is reached is checked.
        phi = [[1.0 if a == i % 4 else 0.0 for a in range(4)] for i in range(n_rows)]
        start = [0.25, 0.75, 0.5, 0.0, 0.0, -0.5]
        study = self.family('cost = "features"', cost_features=phi, theta=start)
        result = self.json("tune", study, "--learner", "cost", "--check", "--iterations", "0", code=1)
        (grid,) = result["experiments"]
        self.assertEqual(grid["n_parameters"], 6)
        for at, asked in zip(grid["learners"][0]["theta"], start):  # projected onto the simplex
            self.assertAlmostEqual(at, asked, delta=1e-15)
        result = self.json("tune", study, "--learner", "cost", "--check")
        likelihood, cost = result["experiments"][0]["learners"]
        self.assertEqual(likelihood["theta"][2:], start[2:])  # costs do not move
        self.assertNotEqual(cost["theta"][2:], start[2:])
        self.assertTrue(cost["check"]["agrees"], cost["check"])
        worlds = cost["trace"]["world_value"]
        self.assertGreater(abs(worlds[-1] - worlds[0]), 1e-6)
        # The same numbers in the study file itself.
        write_npz(self.folder / "family.npz", cost_features=phi)
        inline = self.write("inline.toml", (self.folder / "family.toml").read_text().replace(
            'cost = "features"', f'cost = "features"\ntheta = {start}'))  # fmt: skip
        again = self.json("tune", inline, "--learner", "cost", "--check")
        self.assertEqual(again["experiments"], result["experiments"])

    def test_features_that_do_not_fit(self):
        ones = [[1.0]]
        for keys, arrays, word in (
            ('cost = "features"', {"cost_features": ones}, "is for 1 state-action pairs"),
            ('cost = "features"', {"theta": [0.5, 0.5]}, "cost_features: is missing"),
            ("", {"cost_features": ones * 60}, "the model has"),
            ('tilt = "features"', {"transition_features": ones}, "stored transitions"),
            ('cost = "none"', {"theta": [0.5, 0.6]}, "mixture weights sum to 1.1"),
            ('cost = "none"', {"theta": [0.5]}, "1 numbers, the family has 2 parameters"),
            ('cost = "none"\ntheta = [0.5, 0.5]', {"theta": [0.5, 0.5]}, "is given here and in"),
            ('cost = "none"\ntheta = [0.5, "a"]', {"theta": [0.5, 0.5]}, "array of finite numbers"),
        ):
            with self.subTest(word):
                self.assertIn(word, self.complaint("tune", self.family(keys, **arrays), code=3))
        n_rows = sum(map(len, self.json("solve", self.world())["q"]))
        unused = self.family("", cost_features=ones * n_rows)
        self.assertIn('is not used: it takes cost = "features"', self.complaint("tune", unused, code=3))
        nofile = self.write("nofile.toml", SMALL % '[experiment.family]\ncost = "features"\n')
        self.assertIn("features are read from an .npz file", self.complaint("tune", nofile, code=3))
        nofile = self.write("nofile.toml", SMALL % '[experiment.policy]\nclass = "log-linear"\n')
        self.assertIn("policy_features from the .npz file", self.complaint("sensitivity", nofile, code=3))

    def test_starts_are_perturbed_by_seed(self):
        def start(keys):
            text = (SMALL % "").replace('name = "both"', f'name = "both"\n{keys}')
            study = self.write("seeded.toml", text.replace('start = "likelihood"', 'start = "family"'))
            result = self.json("tune", study, "--learner", "both", "--iterations", "0", code=1)
            return result["experiments"][0]["learners"][0]["theta"]

        plain, first, second = start(""), start("perturbation = 0.125\nseed = 1"), start("perturbation = 0.125\nseed = 2")
        self.assertEqual(plain[:2], [0.5, 0.5])
        self.assertEqual(start("perturbation = 0.125\nseed = 1"), first)
        self.assertNotEqual(first, second)
        self.assertAlmostEqual(sum(first[:2]), 1, delta=1e-12)  # projected onto the simplex
        moves = [abs(a - b) for a, b in zip(first, plain)]
        self.assertLessEqual(max(moves), 0.125)
        self.assertGreater(max(moves), 0.1)

    def test_gauss_newton(self):
        text = (SMALL % "").replace("[[learner]]", '[[learner]]\nmethod = "gauss-newton"')
        study = self.write("gauss.toml", text)
        result = self.json("tune", study, "--threads", "1")
        likelihood, cost, _ = result["experiments"][0]["learners"]
        quasi = self.json("tune", self.study(), "--learner", "cost")["experiments"][0]["learners"]
        self.assertEqual(likelihood["ending"], "stationary")
        self.assertAlmostEqual(likelihood["theta"][0], quasi[0]["theta"][0], delta=1e-6)
        self.assertEqual(cost["ending"], "regret zero")
        self.assertLess(cost["iterations"], 10)
        stopped = self.json("tune", study, "--checkpoint", "g.json", "--iterations", "6", code=1)
        self.assertNotEqual(stopped, result)
        self.assertEqual(self.json("tune", study, "--resume", "g.json", "--threads", "2"), result)

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


class Sensitivity(Sim2RealTest):
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

    def test_log_linear_policies_from_npz(self):
        n_rows = sum(map(len, self.json("solve", self.world())["q"]))
        features = [[math.sin(1.0 + 2.5 * i), float(i % 4 == 1)] for i in range(n_rows)]
        write_npz(self.folder / "family.npz", policy_features=features)
        study = self.write("linear.toml", SMALL % '''[experiment.family]
file = "family.npz"
[experiment.policy]
class = "log-linear"
''')
        result = self.json("sensitivity", study, "--temperature", "5", "--check")
        self.assertEqual(result["n_policy_parameters"], 2)
        self.assertTrue(result["check"]["agrees"], result["check"])
        self.assertGreater(result["hessian_parts"]["cross"], 1e-3)
        self.assertGreater(result["d7_error"], 1e-3)

    def test_finite_horizons_discounted_or_not(self):
        values = []
        for horizon, kind in ((1, "undiscounted"), (8, "discounted"), (8, "undiscounted")):
            policy = f'[experiment.policy]\nhorizon = {horizon}\nsum = "{kind}"\n'
            study = self.write("finite.toml", SMALL % policy)
            result = self.json("sensitivity", study, "--temperature", "5", "--parameters", "2,7,9", "--check")
            self.assertEqual((result["criterion"], result["horizon"]), ("finite", horizon))
            self.assertEqual(result["discount"], 0.95 if kind == "discounted" else 1)
            self.assertTrue(result["check"]["agrees"], result["check"])
            self.assertLess(result["adjoint_defect"], 1e-7)
            self.assertEqual(len(result["d_policy"][0]), result["n_policy_parameters"])  # tabular: one a row
            values.append(result["world_value"])
        self.assertAlmostEqual(values[0], 1, delta=1e-12)  # one step, cost 1
        self.assertLess(values[1], values[2])  # costs are positive
        self.assertGreater(values[1], 0.95**7 * values[2])
        wrong = self.write("wrong.toml", SMALL % '[experiment.policy]\nsum = "undiscounted"\n')
        self.assertIn("need a horizon", self.complaint("sensitivity", wrong, code=3))
        wrong = self.write("wrong.toml", SMALL % '[experiment.policy]\nhorizon = 0\n')
        self.assertIn("horizon", self.complaint("sensitivity", wrong, code=3))

    def test_without_entropy_it_is_refused(self):
        study = self.write("small.toml", SMALL % "")
        result = self.json("sensitivity", study, "--temperature", "0", code=1)
        self.assertEqual(result["status"], "refused")
        self.assertIn("ill-posed (D6)", result["message"])
        self.assertNotIn("d_nu", result)
        self.complaint("sensitivity", study, "--path", "sparse", code=2)
        self.complaint("sensitivity", study, "--parameters", "9999", code=2)


if __name__ == "__main__":
    program.main()
