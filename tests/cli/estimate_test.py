"""estimate: every quantity and estimator through the program, senses, refusals, and Ctrl-C."""
import hashlib
import itertools
import json
import math
import os
import pathlib
import signal
import subprocess
import time

import program

DATA = pathlib.Path(os.environ.get("MDP_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2])) / "data"
POLYTOPE = str(DATA / "value_polytope.json")
FIRST = ["full-score", "causal", "causal-constant-baseline", "causal-state-baseline", "causal-optimal-baseline",
         "critic-exact", "critic-mc", "critic-td", "critic-lstd", "actor-critic", "actor-critic-undiscounted",
         "per-step-score", "measure-valued", "finite-difference", "importance", "importance-per-decision",
         "importance-self-normalised"]  # fmt: skip
UNBIASED_SECOND = ["full-hessian", "causal-hessian", "dice", "hapg"]
CRITIC_SECOND = ["critic-hessian-exact", "critic-hessian-lstd"]
SECOND = [*UNBIASED_SECOND, "lvc", "gauss-newton", *CRITIC_SECOND]
COMPOSED = ["plug-in", "plug-in-ridge", "plug-in-jackknife", "plug-in-split", "critic-sensitivity-exact",
            "critic-sensitivity-lstd"]  # fmt: skip
BIASED = {"critic-mc", "critic-td", "critic-lstd", "actor-critic-undiscounted", "per-step-score", "finite-difference",
          "importance-self-normalised", "lvc", "gauss-newton", "critic-hessian-lstd", *COMPOSED}  # fmt: skip


def flat(x):
    return list(itertools.chain(*x)) if x and isinstance(x[0], list) else x


class Estimate(program.ProgramTest):
    def estimate(self, quantity, *flags):
        return self.json("estimate", "--model", POLYTOPE, "--horizon", "4", "--quantity", quantity, *flags)

    def check(self, result, names):
        self.assertEqual([e["name"] for e in result["estimators"]], names)
        truth = flat(result["truth"])
        for e in result["estimators"]:
            mean, sampled, error = (flat(e[k]) for k in ("exact_mean", "sample_mean", "standard_error"))
            self.assertEqual(len(mean), len(truth))
            self.assertEqual(e["verdict"], "consistent", e["name"])
            norm = math.dist(mean, truth)
            self.assertAlmostEqual(e["exact_bias_norm"], norm, delta=1e-9)
            if e["name"] not in BIASED:
                self.assertLess(norm, 1e-12 * math.hypot(*truth), e["name"])
            z = [abs(s - m) / d for s, m, d in zip(sampled, mean, error) if d > 1e-9]
            if z:
                self.assertAlmostEqual(max(z), e["z_max"], delta=1e-6 * max(z))
            self.assertAlmostEqual(e["exact_variance_trace"], sum(d * d for d in error) * e["samples"],
                                   delta=1e-9 * (1 + e["exact_variance_trace"]))  # fmt: skip
            self.assertGreaterEqual(e["transitions"], 1)

    def test_every_gradient_estimator(self):
        self.check(self.estimate("policy-gradient", "--estimator", "all", "--samples", "4000"), FIRST)
        result = self.estimate("model-gradient", "--estimator", "all", "--samples", "4000")
        self.check(result, FIRST)
        self.assertEqual(result["truth"], result["probability_logits"] + result["cost"])
        self.assertEqual(len(result["parameters"]["probability_logits"]), 8)
        self.assertEqual(result["parameters"]["cost"], [[0, 0], [0, 1], [1, 0], [1, 1]])
        occupancy = sum(0.9**k for k in range(4))
        self.assertAlmostEqual(sum(result["cost"]), occupancy, delta=1e-12)  # by rewards, in rewards

    def test_every_second_order_estimator(self):
        result = self.estimate("policy-hessian", "--estimator", "all", "--samples", "4000")
        self.check(result, SECOND)
        self.assertEqual([len(row) for row in result["truth"]], [4] * 4)
        for quantity, shape, names in (("mixed", (4, 12), [*UNBIASED_SECOND, *CRITIC_SECOND]),
                                       ("model-hessian", (12, 12), UNBIASED_SECOND)):  # fmt: skip
            result = self.estimate(quantity, "--estimator", "all", "--samples", "2000")
            self.check(result, names)
            self.assertEqual((len(result["truth"]), len(result["truth"][0])), shape)

    def test_sensitivity_and_world_gradient(self):
        flags = ["--temperature", "0.5", "--estimator", "all", "--samples", "5000", "--replications", "4"]
        self.check(self.estimate("sensitivity", *flags), COMPOSED)
        world = json.loads((DATA / "value_polytope.json").read_text())
        world["choices"][0]["cost"] = -0.3
        path = self.write("world.json", world)
        result = self.estimate("world-gradient", "--world", path, *flags)
        self.check(result, COMPOSED)
        # A long horizon: the world's gradient of D8, by another command.
        exact = self.json("gradient", "--of", "world-performance", "--world", path, "--model", POLYTOPE, "--temperature", "0.5")
        long = self.json("estimate", "--model", POLYTOPE, "--world", path, "--quantity", "world-gradient", "--temperature", "0.5",
                         "--horizon", "300", "--samples", "20")  # fmt: skip
        for a, b in zip(long["cost"], flat(exact["d_cost"])):
            self.assertAlmostEqual(a, b, delta=1e-8)
        for a, b in zip(long["truth"], long["truth_infinite"]):
            self.assertAlmostEqual(a, b, delta=1e-8)

    def test_truth_by_differences_of_evaluate(self):
        truth = self.estimate("model-gradient", "--samples", "20")["cost"]
        policy = self.write("uniform.json", [[0.5, 0.5], [0.5, 0.5]])
        moved = []
        for h in (1e-3, -1e-3):
            model = json.loads((DATA / "value_polytope.json").read_text())
            model["choices"][1]["cost"] = -0.1 + h
            value = self.json("evaluate", self.write("moved.json", model), "--policy", policy, "--criterion", "finite",
                              "--horizon", "4")["value"]  # fmt: skip
            moved.append(sum(value) / 2)
        self.assertAlmostEqual((moved[0] - moved[1]) / 2e-3, truth[1], delta=1e-8)

    def test_grids_replications_threads_and_seeds(self):
        flags = ["--samples", "50,500", "--replications", "6"]
        one = self.estimate("policy-gradient", *flags, "--threads", "1")
        (line,) = one["estimators"]
        self.assertEqual([s["samples"] for s in line["by_samples"]], [50, 500])
        self.assertEqual(line["samples"], 3000)
        self.assertEqual(line["transitions"], 12000)
        for size in line["by_samples"]:
            self.assertAlmostEqual(size["exact_mean_squared_error"], line["exact_variance_trace"] / size["samples"], delta=1e-9)
        many = self.estimate("policy-gradient", *flags, "--threads", "2")
        self.assertEqual(one["model_hash"], "sha256:" + hashlib.sha256(pathlib.Path(POLYTOPE).read_bytes()).hexdigest())
        self.assertEqual(one["seed"], 1)
        self.assertRegex(one["version"], r"^\d+\.\d+\.\d+")
        self.assertEqual(line["sample_mean"], many["estimators"][0]["sample_mean"])

    def test_recorded_trajectories(self):
        flags = ["--samples", "300", "--replications", "2", "--estimator", "full-score,causal,measure-valued"]
        for name in ("drawn.csv", "drawn.npz"):
            drawn = self.estimate("policy-gradient", *flags, "--record", name)
            again = self.estimate("policy-gradient", *flags, "--data", name)
            for a, b in zip(drawn["estimators"], again["estimators"]):
                self.assertEqual(a["sample_mean"], b["sample_mean"])
                self.assertEqual(b["samples"], 600)
        say = lambda code, *flags: self.complaint("estimate", "--model", POLYTOPE, "--horizon", "4", *flags, code=code)  # noqa: E731
        self.assertIn("recorded, required 601", say(3, "--data", "drawn.csv", "--samples", "601"))
        self.assertIn("draws its own", say(3, "--data", "drawn.csv", "--samples", "30", "--estimator", "finite-difference"))
        lines = pathlib.Path(self.folder, "drawn.csv").read_text().splitlines()
        for text, message in (([lines[0], "0,0,0,2,1"], "action 2 in state 0, which has 2"),
                              ([lines[0], "0,0,0,1,7"], "state 7 after action"),
                              ([lines[0], "0,1,0,1,1"], "line 2: trajectory 0, step 1: required in order"),
                              ([lines[0], "0,0,0,1,1", "0,1,0,1,1"], "line 3: state 0, but the step before ended in 1"),
                              ([lines[0], "0,0,0,1"], "line 2: required five integers"),
                              (["a,b"], "line 1: required the header"),
                              ([lines[0], "0,0,0,1,1", "0,1,1,1,1", "1,0,0,1,1"], "trajectory 1 has 1 steps, the first has 2"),
                              ([lines[0]], "there are no trajectories")):  # fmt: skip
            path = self.write("bad.csv", "\n".join(text) + "\n")
            self.assertIn(message, say(3, "--data", path))
        self.assertIn("written to .csv or .npz", say(2, "--record", "drawn.txt"))

    def test_critics_learned_from_samples(self):
        """E3: the limit of critic-sensitivity-lstd is off by the critics' errors, fewer of them for more trajectories and stages."""
        bias = []
        for critic_samples, horizon, samples in (("50", "4", "4000"), ("2000", "40", "1000"), ("50000", "60", "1000")):
            result = self.json("estimate", "--model", POLYTOPE, "--horizon", horizon, "--quantity", "sensitivity", "--temperature", "0.5",
                               "--estimator", "critic-sensitivity-exact,critic-sensitivity-lstd", "--critic-samples", critic_samples,
                               "--samples", samples, "--replications", "2")  # fmt: skip
            exact, learned = result["estimators"]
            self.assertEqual([exact["verdict"], learned["verdict"]], ["consistent"] * 2)
            self.assertEqual(learned["bias_source"], "critic")
            self.assertEqual(learned["exact_by"], "delta method, conditional on the critic")
            self.assertLess(abs(learned["predicted_bias_norm"] - learned["exact_bias_norm"]), 0.02 * learned["exact_bias_norm"] + 1e-3)
            self.assertLess(exact["exact_bias_norm"], 1e-3 * math.hypot(*flat(result["truth"])))
            bias.append(learned["exact_bias_norm"])
        self.assertGreater(bias[0], 2 * bias[1])
        self.assertGreater(bias[1], 2 * bias[2])

    def test_what_a_verdict_rests_on(self):
        (line,) = self.estimate("sensitivity", "--temperature", "0.5", "--samples", "20")["estimators"]
        self.assertEqual((line["verdict"], line["judged_by"]), ("consistent", "plugged-in means"))
        self.assertRegex(line["verdict_reason"], r"relative noise [0-9.]+ of the Hessian above 0\.1: no limit law; of the means plugged in: ")
        parameters = sum(len(v) if isinstance(v, list) else 0 for v in [line["exact_mean"][0]])
        judged = sum(line[k] for k in ("n_judged", "n_by_chebyshev", "n_constant"))
        self.assertEqual(judged, 2 * (2 + parameters))  # H and M of two free logits
        (line,) = self.estimate("policy-gradient", "--samples", "4000")["estimators"]
        self.assertEqual((line["n_judged"], line["n_by_chebyshev"]), (4, 0))
        self.assertEqual(line["judged_by"], "estimate")
        self.assertIn("4 derivatives by their effective trajectories; bias as predicted", line["verdict_reason"])
        (line,) = self.estimate("policy-gradient", "--samples", "6")["estimators"]
        self.assertEqual((line["n_judged"], line["n_by_chebyshev"], line["verdict"]), (0, 4, "consistent"))
        self.assertAlmostEqual(line["z_limit"], 2000.0, delta=1e-6)  # sqrt(4 / 1e-6)

    def test_covariances(self):
        (line,) = self.estimate("policy-gradient", "--covariance", "--samples", "20")["estimators"]
        covariance = line["exact_covariance"]
        for i, row in enumerate(covariance):
            self.assertAlmostEqual(row[i], line["exact_variance"][i], delta=1e-12)
            self.assertAlmostEqual(sum(row[:2]), 0, delta=1e-12)  # the scores of a state's logits sum to zero
        self.assertEqual(covariance, [list(column) for column in zip(*covariance)])
        self.assertNotIn("exact_covariance", self.estimate("policy-gradient", "--samples", "20")["estimators"][0])

    def test_refusals(self):
        say = lambda *flags: self.complaint("estimate", "--model", POLYTOPE, "--horizon", "3", *flags, code=2)  # noqa: E731
        self.assertIn("did you mean causal?", say("--estimator", "casual"))
        self.assertIn("lvc does not estimate --quantity mixed", say("--estimator", "lvc", "--quantity", "mixed"))
        self.assertIn("no such choice: 'gradient'", say("--quantity", "gradient"))
        self.assertIn("needs --temperature above 0", say("--quantity", "sensitivity"))
        self.assertIn("needs --world", say("--quantity", "world-gradient", "--temperature", "1"))
        self.assertIn("--world belongs to", say("--world", POLYTOPE))
        self.assertIn("--samples 1,x", say("--samples", "1,x"))
        self.assertIn("at least 20", say("--quantity", "sensitivity", "--temperature", "1", "--samples", "10"))
        self.assertIn("--replications 0", say("--replications", "0"))
        self.assertIn("critic_lambda = 2", say("--lambda", "2"))

    def test_interrupt_keeps_what_was_sampled(self):
        run = subprocess.Popen([str(program.PROGRAM), "estimate", "--model", POLYTOPE, "--horizon", "100", "--samples",
                                "2000000000", "--json"], stdout=subprocess.PIPE)  # fmt: skip
        time.sleep(1.5)
        run.send_signal(signal.SIGINT)
        result = json.loads(run.communicate(timeout=60)[0])
        self.assertEqual(run.returncode, 1)
        self.assertEqual(result["status"], "interrupted")
        (line,) = result["estimators"]
        self.assertGreater(line["samples"], 0)
        self.assertLess(line["samples"], 2000000000)
        self.assertEqual(line["verdict"], "consistent")

    def test_interrupt_is_heard_by_exact_moments(self):
        self.mdp("generate", "garnet", "--states", "60", "--actions", "3", "--successors", "4", "--output", "g.json")
        for quantity in ("policy-hessian", "mixed"):  # minutes of exact moments before the first trajectory
            run = subprocess.Popen([str(program.PROGRAM), "estimate", "--model", str(self.folder / "g.json"), "--horizon", "50",
                                    "--quantity", quantity, "--json"], stdout=subprocess.PIPE)  # fmt: skip
            time.sleep(4.0)  # with sanitizers, beside other tests, it takes a while to start
            run.send_signal(signal.SIGINT)
            result = json.loads(run.communicate(timeout=120)[0])
            self.assertEqual(run.returncode, 1)
            self.assertEqual((result["status"], result["estimators"]), ("interrupted", []))
            self.assertIn("before anything was sampled", result["message"])


if __name__ == "__main__":
    program.main()
