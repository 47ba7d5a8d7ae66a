"""fit and bisimulation: the counterexamples through the program, flags, keys and refusals."""
import json
import pathlib
import unittest

import program

REGRETS = {
    "deterministic": (["--method", "deterministic"], 2.6),
    "mean": (["--method", "mean", "--coordinates", "mean.points.json"], 5.0),
    "aggregated": (["--method", "aggregated", "--clusters", "aggregated.clusters.json"], 1.6),
    "missing": ([], 8.0),
    "smoothed": (["--smoothing", "1", "--support", "all"], 1.0),
    "two_points": (["--method", "k-point", "--k", "2"], 0.8),
    "shared_rows": (["--method", "shared-rows", "--groups", "shared_rows.groups.json"], 4.0),
}


class Fit(program.ProgramTest):
    def files(self, name):
        data = program.SOURCE / "data" / "counterexamples"
        return ["--world", str(data / f"{name}.world.json"), "--data", str(data / f"{name}.seen.csv")]

    def test_counterexamples(self):
        data = program.SOURCE / "data" / "counterexamples"
        for name, (flags, regret) in REGRETS.items():
            flags = [str(data / flag) if flag.endswith(".json") else flag for flag in flags]
            wrong = self.json("fit", *self.files(name), *flags)
            self.assertAlmostEqual(wrong["regret"]["lower"], regret, delta=1e-6, msg=name)
            self.assertLessEqual(wrong["regret"]["lower"], wrong["regret"]["upper"])
            right = self.json("fit", *self.files(name), "--method", "equivalent", "--support", "world",
                              "--output", "right.json")  # fmt: skip
            self.assertLess(right["regret"]["upper"], 1e-7, name)
            self.assertLess(right["epsilon"], 1e-8)
            self.assertLessEqual(right["log_likelihood"], self.json("fit", *self.files(name))["log_likelihood"] + 1e-9)
            check = self.json("check", "--world", self.files(name)[1], "--model", "right.json")
            self.assertNotEqual(check["levels"]["E3"]["holds"], "no", name)

    def test_front(self):
        front = self.json("fit", *self.files("missing"), "--method", "equivalent", "--support", "world",
                          "--pareto", "5")["front"]  # fmt: skip
        self.assertEqual(len(front), 5)
        self.assertEqual(front[-1]["budget"], 0.0)
        for a, b in zip(front, front[1:]):
            self.assertGreaterEqual(a["log_likelihood"], b["log_likelihood"] - 1e-9)

    def test_likelihood_with_counts_is_the_equivalent_fit(self):
        world, data = self.files("missing")[1], self.files("missing")[3]
        model = ["equivalent-model", "--world", world, "--divergence", "likelihood", "--support", "union", "--counts"]
        nearest = self.json(*model, data)
        fit = self.json("fit", *self.files("missing"), "--method", "equivalent", "--support", "world")
        best = self.json("fit", *self.files("missing"))
        self.assertAlmostEqual(nearest["log_likelihood"], fit["log_likelihood"], delta=1e-9)
        self.assertAlmostEqual(nearest["divergence_total"], best["log_likelihood"] - nearest["log_likelihood"], delta=1e-9)
        self.assertGreater(nearest["divergence_total"], 1e-3)
        self.assertEqual(nearest["n_samples"], best["n_samples"])
        self.assertLess(nearest["q_error_bound"], 1e-8)
        # A count is so many repetitions; the other format says the same.
        text = pathlib.Path(data).read_text(encoding="utf-8")
        lines = [line.split(",") for line in text.split() if "state" not in line and "#" not in line]
        half = self.write("half.json", [[s, a, to, float(n) / 2] for s, a, to, n in lines])
        less = self.json(*model, half)
        self.assertAlmostEqual(less["divergence_total"], nearest["divergence_total"] / 2, delta=1e-9)
        self.assertEqual(less["transitions"], nearest["transitions"])
        repeated = self.write("repeated.csv", "".join(f"{s},{a},{to}\n" * int(n) for s, a, to, n in lines))
        self.assertEqual(self.json(*model, repeated)["divergence"], nearest["divergence"])
        # Pairs without data are as in the world.
        one = self.write("one.csv", ",".join(lines[0]) + "\n")
        few = self.json(*model, one)
        self.assertEqual(few["n_samples"], float(lines[0][3]))
        self.assertEqual(sum(d > 0 for d in sum(few["divergence"], [])), int(few["divergence"][0][0] > 0))
        self.assertIn("--counts belongs to --divergence likelihood",
                      self.complaint(*model[:3], "--counts", data, code=2))  # fmt: skip
        self.assertIn("in place of --reference", self.complaint(*model, data, "--reference", world, code=2))
        bad = self.write("bad.csv", f"{lines[0][0]},{lines[0][1]},{lines[0][2]},-1\n")
        self.assertIn("a count must be finite and not negative", self.complaint(*model, bad, code=3))

    def test_flags_of_other_methods_are_refused(self):
        for flags, message in (
            (["--method", "likely"], "maximum-likelihood"),
            (["--groups", "g.json"], "--groups: not an option of --method maximum-likelihood"),
            (["--method", "mean"], "--coordinates is required by --method mean"),
            (["--support", "worlds"], "did you mean world?"),
            (["--pareto", "5"], "--pareto: not an option of --method maximum-likelihood"),
        ):
            self.assertIn(message, self.complaint("fit", *self.files("mean"), *flags, code=2))
        bad = self.write("bad.csv", "middle,jump,nowhere\n")
        self.assertIn("bad.csv: line 1", self.complaint("fit", "--world", self.files("mean")[1], "--data", bad, code=3))
        bad = self.write("bad.csv", "middle,jump,left,-1\n")
        message = self.complaint("fit", "--world", self.files("mean")[1], "--data", bad, code=3)
        self.assertIn("state middle, action jump: a count must be finite and not negative", message)


class Bisimulation(program.ProgramTest):
    MODEL = {
        "format": "mdp", "version": 1, "discount": "9/10", "states": ["a", "b", "c", "d"], "goal": ["d"],
        "choices": [
            {"state": "a", "cost": 1, "to": [["b", "1/3"], ["c", "2/3"]]},
            {"state": "b", "cost": 2, "to": [["b", "1/3"], ["c", "1/3"], ["d", "1/3"]]},
            {"state": "c", "cost": 2, "to": [["c", "2/3"], ["d", "1/3"]]},
        ],
    }  # fmt: skip

    def test_thirds_are_thirds(self):
        model = self.write("model.json", json.dumps(self.MODEL))
        found = self.json("bisimulation", model, "--metric", "--output", "quotient.json",
                          "--lift", "first", "--lift-output", "lifted.json")  # fmt: skip
        self.assertEqual(found["block"], [0, 1, 1, 2])
        self.assertEqual(found["representative"], [0, 1, 3])
        self.assertLess(found["metric"][1][2], 1e-8)
        self.assertGreater(found["metric"][0][1], 0.5)
        values = self.json("solve", model)["value"]
        small = self.json("solve", "quotient.json")["value"]
        for state, block in enumerate(found["block"]):
            self.assertAlmostEqual(values[state], small[block], delta=1e-8)
        lifted = self.json("check", "--world", model, "--model", "lifted.json")
        self.assertEqual(lifted["levels"]["E3"]["holds"], "yes")
        for how in "uniform", self.write("weights.json", [1, 2, 3, 4]):
            self.json("bisimulation", model, "--lift", how, "--lift-output", "lifted.json")
            lifted = self.json("check", "--world", model, "--model", "lifted.json", "--require", "E3")
            self.assertEqual(lifted["precision"], "exact")
        self.assertIn("go together", self.complaint("bisimulation", model, "--lift", "first", code=2))


if __name__ == "__main__":
    program.main()
