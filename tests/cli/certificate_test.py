"""solve --certificate, verify-certificate and reference."""
import fractions
import hashlib
import json
import pathlib
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
PUTERMAN = str(CASES / "puterman_inventory_disc09.json")


class Certificates(program.ProgramTest):
    def test_certified_answers_of_all_cases_are_proved(self):
        n_cases = 0
        for path in sorted(CASES.glob("*.expected.json")):
            expected = json.loads(path.read_text())
            flags = FLAGS.get(expected.get("semantics_id") or expected["kind"])
            reading = []
            if expected["kind"] == "finite_horizon":
                flags = ["--criterion", "finite", "--horizon", str(expected["horizon"])]
                flags += ["--terminal", self.write("terminal.json", expected["terminal_values"])]
                reading = ["--discount", str(expected["discount"])]
            model = str(path).replace(".expected", "")
            self.mdp("solve", model, *flags, *reading, "--certificate", "c.json", "--quiet")
            found = self.json("verify-certificate", model, "c.json", *reading)
            self.assertEqual((found["accepted"], found["level"]), (True, "certified"), path.name)
            n_cases += 1
        self.assertEqual(n_cases, 66)

    def proof(self, *flags):
        self.mdp("solve", PUTERMAN, *flags, "--certificate", "proof.json")
        return json.loads((self.folder / "proof.json").read_text())

    def rejected(self, certificate, model=PUTERMAN, code=1):
        path = self.write("changed.json", certificate)
        return self.json("verify-certificate", model, path, code=code)

    def test_what_is_changed_is_rejected(self):
        good = self.proof("--level", "exact")
        self.assertTrue(self.json("verify-certificate", PUTERMAN, "proof.json")["accepted"])
        text = self.mdp("verify-certificate", PUTERMAN, "proof.json").stdout
        self.assertIn("accepted", text)
        number = fractions.Fraction(good["value"][0])
        for change in (
            {"value": [str(number + fractions.Fraction(1, 10**9)), *good["value"][1:]]},
            {"value": [str(number - fractions.Fraction(1, 10**9)), *good["value"][1:]]},
            {"value": ["inf", *good["value"][1:]]},
            {"value": ["-inf", *good["value"][1:]]},
            {"policy": [0, *good["policy"][1:]]},
            {"criterion": "total"},
            {"discount": "8/9"},
            {"objective": "minimize"},
            {"model_sha256": "0" * 64},
        ):
            found = self.rejected({**good, **change})
            self.assertFalse(found["accepted"], change)
            self.assertTrue(found["violated"], change)
        # Made with another discount, it is checked with the same flag, and not without it.
        self.proof("--discount", "1/2")
        self.json("verify-certificate", PUTERMAN, "proof.json", code=1)
        self.json("verify-certificate", PUTERMAN, "proof.json", "--discount", "1/2")
        # Another model.
        model = json.loads(pathlib.Path(PUTERMAN).read_text())
        model["choices"][0]["cost"] = "1/1000000"
        found = self.rejected(good, self.write("other.json", model))
        self.assertEqual(found["violated"], "model_sha256 is that of the model")

    def test_files_that_are_no_certificates(self):
        good = self.proof("--level", "exact")
        text = (self.folder / "proof.json").read_text()
        for broken in (
            text[: len(text) // 2],
            {k: v for k, v in good.items() if k != "policy"},
            {k: v for k, v in good.items() if k != "evidence"},
            {**good, "value": good["value"][1:]},
            {**good, "value": ["a half", *good["value"][1:]]},
            {**good, "criterion": "discount"},
            {**good, "criterion": "average"},
            {**good, "version": 2},
            [1, 2],
        ):
            self.complaint("verify-certificate", PUTERMAN, self.write("broken.json", broken), code=3)
        self.complaint("verify-certificate", PUTERMAN, "nowhere.json", code=3)

    def test_values_of_policies_are_proved(self):
        n_states = {"puterman_inventory_disc09": 4, "ssp_improper_start": 3, "storm_lra_15state_max": 15}
        for name, n in n_states.items():
            model = str(CASES / f"{name}.json")
            policy = self.write("policy.json", [0] * n)
            flags = {"ssp": ["--criterion", "reach"], "storm": ["--criterion", "average"]}.get(name.split("_")[0], [])
            for level in ("exact", "certified"):
                self.mdp("evaluate", model, "--policy", policy, *flags, "--level", level, "--certificate", "p.json", "--quiet")
                found = self.json("verify-certificate", model, "p.json")
                self.assertEqual((found["accepted"], found["of_policy"], found["level"]), (True, True, level), name)
            good = json.loads((self.folder / "p.json").read_text())
            # Without the policy it is a claim about V*; with another one, about that.
            if model == PUTERMAN:  # the policy is not optimal
                bare = {k: v for k, v in good.items() if k != "evaluated_policy"}
                self.assertFalse(self.rejected(bare, model)["accepted"])
            turned = good["evaluated_policy"]
            turned[0] = "2"
            self.assertFalse(self.rejected({**good, "evaluated_policy": turned}, model)["accepted"])

    def test_total_of_a_policy_that_pays_and_earns_at_random(self):
        choices = [
            {"state": 0, "action": "pay", "cost": 4, "to": [[1, 1]]},
            {"state": 0, "action": "earn", "cost": -2, "to": [[0, "1/2"], [1, "1/2"]]},
            {"state": 1, "cost": 0, "to": [[1, 1]]},
        ]
        model = self.write("both.json", {"format": "mdp", "version": 1, "states": 2, "choices": choices})
        policy = self.write("policy.json", [["1/3", "2/3"], 0])
        flags = ["--policy", policy, "--criterion", "total", "--level", "exact", "--certificate", "p.json"]
        # V = 1/3 4 - 2/3 2 + 1/3 V = 0
        self.assertEqual(self.json("evaluate", model, *flags)["value_exact"], ["0", "0"])
        self.assertTrue(self.json("verify-certificate", model, "p.json")["accepted"])

    def test_answers_without_a_certificate(self):
        result = self.json("solve", PUTERMAN, "--level", "approximate", "--certificate", "none.json", code=1)
        self.assertIn("approximate", result["no_certificate"])
        self.assertFalse((self.folder / "none.json").exists())

    def test_reference_is_exact(self):
        result = self.json("reference", PUTERMAN)
        self.assertEqual((result["format"], result["level"], result["status"]), ("mdp-reference", "exact", "converged"))
        self.assertEqual(result["value"], ["74405/4244", "92185/4244", "107985/4244", "116845/4244"])
        self.assertEqual(result["optimal_actions"], [[3], [0], [0], [0]])
        self.assertEqual(result["discount"], "9/10")
        digits = self.json("reference", PUTERMAN, "--digits", "40")
        self.assertEqual(digits["level"], "digits")
        for decimal, exact in zip(digits["value"], result["value"]):
            self.assertLessEqual(abs(fractions.Fraction(decimal) - fractions.Fraction(exact)), fractions.Fraction(1, 2 * 10**38))

    def test_reference_by_stage_and_gain(self):
        model = str(CASES / "bertsekas_inventory_fh3.json")
        result = self.json("reference", model, "--criterion", "finite", "--horizon", "3")
        self.assertEqual(len(result["stages"]), 4)
        self.assertEqual(result["stages"][0]["value"], result["value"])
        self.assertEqual(result["value"], ["37/10", "27/10", "1409/500"])
        gain = self.json("reference", str(CASES / "storm_lra_15state_max.json"), "--criterion", "average")
        self.assertEqual(gain["gain"][0], "37/60")
        self.assertEqual(len(gain["bias"]), 15)
        self.complaint("reference", PUTERMAN, "--digits", "0", code=2)
        # Entries of 53 bits: 300 stages are too many for fractions.
        self.mdp("generate", "garnet", "--states", "200", "--actions", "3", "--successors", "5", "--seed", "4", "--output", "g.npz")
        digits = self.json("reference", "g.npz", "--criterion", "finite", "--horizon", "300", "--discount", "0.99", "--digits", "25")
        self.assertEqual((digits["level"], digits["status"], len(digits["stages"])), ("digits", "converged", 301))
        solved = self.json("solve", "g.npz", "--criterion", "finite", "--horizon", "300", "--discount", "0.99")
        for k in (0, 150, 299):
            for value, close in zip(digits["stages"][k]["value"], solved["value_by_stage"][k]):
                self.assertAlmostEqual(float(value), close, delta=1e-12)
        self.assertLess(float(digits["stages"][0]["value_error_bound"]), 1e-20)

    def test_digits_without_a_discount(self):
        self.mdp("generate", "gridworld", "--width", "9", "--height", "9", "--discount", "1", "--output", "walk.umb")
        result = self.json("reference", "walk.umb", "--criterion", "goal", "--digits", "30")
        self.assertEqual((result["status"], result["level"]), ("converged", "digits"))
        certified = self.json("solve", "walk.umb", "--criterion", "goal")
        slack = fractions.Fraction(1, 10**28)
        for text, lower, upper in zip(result["value"], certified["value_lower"], certified["value_upper"]):
            self.assertLessEqual(fractions.Fraction(lower) - slack, fractions.Fraction(text))
            self.assertLessEqual(fractions.Fraction(text), fractions.Fraction(upper) + slack)

    def test_the_name_of_a_model_is_the_sha256_of_its_text(self):
        result = self.json("reference", self.two_states())
        text = "mdp model 1\nminimize\nstates 2\n0 1 0:1\n0 0 0:1/2 1:1/2\n1 1 1:1\ngoal\n"
        self.assertEqual(result["model_sha256"], hashlib.sha256(text.encode()).hexdigest())


if __name__ == "__main__":
    program.main()
