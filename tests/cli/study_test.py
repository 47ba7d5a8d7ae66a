"""The study: the same bytes from every run, what the report claims, and errors that name the line."""
import hashlib
import json
import math
import re
import unittest

import program

SMALL = """
title = "A small study"
seed = 5
[world]
kind = "gridworld"
preset = "frozenlake4x4"
[[model]]
name = "deterministic"
fit = "deterministic"
samples_per_row = 20
[[model]]
name = "smoothed"
fit = "full-support"
samples_per_row = 5
smoothing = 0.01
[gradient]
temperature = 0.05
checked_entries = 3
[estimator]
horizon = 200
trajectories = 2000
logits = 64
"""

ESTIMATORS = """
kind = "estimators"
title = "Few estimators"
seed = 3
[[problem]]
name = "two states"
quantities = ["policy-gradient", "sensitivity"]
horizon = 3
temperature = 1.0
samples = [50, 200]
replications = 20
world = { kind = "file", file = "model.json" }
[[problem]]
name = "too few"
quantities = ["sensitivity"]
horizon = 3
temperature = 1.0
samples = [20]
replications = 2
world = { kind = "file", file = "model.json" }
"""


class Study(program.ProgramTest):
    def without_seconds(self, path):
        return re.sub(r'"seconds": [^,}\n]*', "", path.read_text())

    def test_two_runs_write_the_same_bytes(self):
        config = self.write("small.toml", SMALL)
        for folder, threads in (("one", "1"), ("two", "2")):
            self.mdp("study", config, "--output", folder, "--threads", threads)
        names = sorted(p.name for p in (self.folder / "one").iterdir())
        self.assertEqual(names, sorted(p.name for p in (self.folder / "two").iterdir()))
        for name in ("report.json", "report.md", "policies.svg", "world.npz", "deterministic.npz", "gradient.npz",
                     "world.model.npz", "smoothed.equivalent-cost.npz", "smoothed.equivalent-model.npz"):  # fmt: skip
            self.assertIn(name, names)
        for name in names:
            one, two = self.folder / "one" / name, self.folder / "two" / name
            if name == "report.json":
                self.assertEqual(self.without_seconds(one), self.without_seconds(two))
            else:
                self.assertEqual(one.read_bytes(), two.read_bytes(), name)

    def test_what_the_report_says_is_what_the_commands_say(self):
        config = self.write("small.toml", SMALL)
        report = self.json("study", config, "--output", "out")
        self.assertEqual(report["config"]["seed"], 5)
        self.assertEqual(report["config"]["accuracy"]["tolerance"], 1e-12)  # the default, in effect
        self.assertEqual(len(report["highlights"]), 3)
        self.assertAlmostEqual(report["world"]["initial_value"], 0.542025932, delta=5e-10)
        wrong, smoothed = report["models"]
        self.assertGreater(wrong["as_fitted"]["initial_regret"]["lower"], 0.01)
        for model in (wrong, smoothed):
            cost = model["equivalent_cost"]
            self.assertEqual(cost["construction"], "converged")
            self.assertLess(cost["q_distance"]["upper"], 1e-11)
            self.assertLess(cost["max_regret"]["upper"], 1e-11)
            for how in ("as_fitted", "equivalent_cost", "equivalent_model"):  # C3 and T9 bound what was measured
                result = model[how]
                self.assertLessEqual(result["max_regret"]["lower"], result["regret_bound_c3"])
                self.assertLessEqual(result["regret_bound_c3"], result["regret_bound_t9"] * (1 + 1e-6) + 1e-9)
        self.assertEqual(wrong["equivalent_model"]["construction"], "refused")
        self.assertGreater(wrong["equivalent_model"]["n_infeasible"], 0)
        self.assertEqual(smoothed["equivalent_model"]["construction"], "converged")
        self.assertLess(smoothed["equivalent_model"]["max_regret"]["upper"], 1e-9)
        self.assertGreater(smoothed["equivalent_model"]["divergence_total"], 0)
        self.assertLess(report["gradient"]["finite_differences"]["max_relative_error"], 1e-4)
        self.assertEqual(report["estimator"]["verdict"], "consistent")

        folder = self.folder / "out"
        fitted = self.json("solve", folder / "deterministic.model.npz", "--output", "fitted.json")
        loss = self.json("evaluate", folder / "world.model.npz", "--policy", "fitted.json")["value"][0]
        self.assertAlmostEqual(loss, wrong["as_fitted"]["initial_world_value_of_policy"], delta=1e-9)
        self.assertEqual(len(fitted["policy"]), 16)
        corrected = self.json("solve", folder / "deterministic.equivalent-cost.npz")
        truth = self.json("solve", folder / "world.model.npz")
        for v, w in zip(corrected["value"], truth["value"]):
            self.assertAlmostEqual(v, w, delta=1e-9)
        page = (folder / "report.md").read_text()
        for target in re.findall(r"\]\(([^)]+)\)", page):
            self.assertTrue((folder / target).exists(), target)

    def test_studies_of_estimators(self):
        model = (program.SOURCE / "data" / "value_polytope.json").read_text()
        self.write("model.json", model)
        config = self.write("estimators.toml", ESTIMATORS)
        report = self.json("study", config, "--output", "out")
        answers = {(a["problem"], a["quantity"]): a["estimators"] for a in report["answers"]}
        self.assertEqual([len(a) for a in answers.values()], [17, 6, 6])
        self.assertEqual(report["problems"][0]["world_hash"], "sha256:" + hashlib.sha256(model.encode()).hexdigest())
        verdicts = [e["verdict"] for a in answers.values() for e in a]
        self.assertEqual(verdicts, ["consistent"] * len(verdicts))
        by_means = sum(e["judged_by"] == "plugged-in means" for a in answers.values() for e in a)
        self.assertGreater(by_means, 0)
        (highlight,) = report["highlights"]
        self.assertIn(f"{len(verdicts)} of {len(verdicts)} judged estimators behave", highlight)
        self.assertIn(f"{by_means} by the means that they plug in", highlight)
        lines = (self.folder / "out" / "estimates.csv").read_text().splitlines()
        self.assertEqual(len(lines), 1 + 2 * (17 + 6) + 6)
        for text in lines[1:]:
            *_, samples, transitions, _, bias, deviation, sampled, exact = text.split(",")
            if "measure" not in text and "finite" not in text:
                self.assertEqual(float(transitions), 3 * int(samples))
            self.assertAlmostEqual(float(exact), math.hypot(float(bias), float(deviation)), delta=1e-9 * (1 + float(exact)))
            if "too few" not in text and "importance-self" not in text and "sensitivity" not in text:
                self.assertLess(abs(float(sampled) / float(exact) - 1), 0.5)  # twenty estimates

    def test_errors_name_the_line(self):
        def complaint(old, new):
            return self.complaint("study", self.write("bad.toml", SMALL.replace(old, new)), "--output", "out", code=3)

        self.assertIn("line 3: no such key: sead; did you mean seed?", complaint("seed = 5", "sead = 5"))
        self.assertIn("line 11: no such key: model[0].foo", complaint("samples_per_row = 20", "samples_per_row = 20\nfoo = 1"))
        self.assertIn("samples_per_row: is 0", complaint("samples_per_row = 20", "samples_per_row = 0"))
        self.assertIn("must be an integer", complaint("samples_per_row = 20", 'samples_per_row = "20"'))
        self.assertIn("did you mean frozenlake4x4?", complaint('"frozenlake4x4"', '"frozenlake4x5"'))
        self.assertIn("title: is missing", complaint('title = "A small study"', ""))
        self.assertIn("taken by another", complaint('"smoothed"', '"deterministic"'))
        self.assertIn("temperature: is 0", complaint("temperature = 0.05", "temperature = 0"))
        self.assertIn("line", complaint("[world]", "[world"))
        self.assertIn("discount", complaint('kind = "gridworld"', 'kind = "gridworld"\ndiscount = 1.5'))
        self.assertIn("missing.toml", self.complaint("study", "missing.toml", "--output", "out", code=3))
        self.assertIn("--output is required", self.complaint("study", self.write("small.toml", SMALL), code=2))
        self.assertFalse((self.folder / "out").exists())

    def test_a_folder_that_cannot_be_made(self):
        self.write("file", "")
        self.complaint("study", self.write("small.toml", SMALL), "--output", "file/out", code=3)

    def test_other_worlds(self):
        garnet = re.sub(r'kind = .*\npreset = .*', 'kind = "garnet"\nstates = 30\ndiscount = "9/10"', SMALL)
        report = self.json("study", self.write("garnet.toml", garnet), "--output", "out")
        self.assertEqual(report["world"]["n_states"], 30)
        self.assertFalse((self.folder / "out" / "policies.svg").exists())
        self.write("model.json", program.TWO_STATES)
        from_file = re.sub(r'kind = .*\npreset = .*', 'kind = "file"\nfile = "model.json"', SMALL)
        report = self.json("study", self.write("file.toml", from_file), "--output", "out")
        self.assertAlmostEqual(report["world"]["initial_value"], 2 / 3, delta=1e-11)


if __name__ == "__main__":
    program.main()
