"""Wrong usage ends with exit code 2, a wrong file with 3; both with one clear line that names what is wrong."""
import os
import subprocess
import unittest

import program


class Usage(program.ProgramTest):
    def test_no_command(self):
        self.assertIn("--help", self.complaint(code=2))

    def test_misspelt_command(self):
        self.assertIn("did you mean solve?", self.complaint("sovle", "x.json", code=2))
        self.assertIn("did you mean garnet?", self.complaint("generate", "garnett", "--output", "g.json", code=2))

    def test_misspelt_option(self):
        model = self.two_states()
        message = self.complaint("solve", model, "--tolerence", "1e-6", code=2)
        self.assertIn("no such option: --tolerence; did you mean --tolerance?", message)
        self.assertIn("mdp solve --help", message)
        self.assertIn("--tolerance", self.complaint("solve", model, "--tolerence=1e-6", code=2))

    def test_missing_and_surplus_arguments(self):
        self.assertIn("FILE is required", self.complaint("solve", code=2))
        self.assertIn("'other.json'", self.complaint("solve", self.two_states(), "other.json", code=2))
        self.assertIn("--policy is required", self.complaint("evaluate", self.two_states(), code=2))
        self.assertIn("--world is required", self.complaint("equivalent-cost", code=2))
        self.complaint("generate", "garnet", code=2)
        self.complaint("generate", code=2)

    def test_values_that_do_not_exist(self):
        model = self.two_states()
        self.assertIn("did you mean policy-iteration?", self.complaint("solve", model, "--method", "policy-iterations", code=2))
        self.assertIn("did you mean certified?", self.complaint("solve", model, "--level", "certifed", code=2))
        self.assertIn("did you mean discounted?", self.complaint("solve", model, "--criterion", "discount", code=2))
        self.complaint("solve", model, "--objective", "minimise", code=2)
        self.complaint("solve", model, "--dead-ends", "ignore", code=2)
        self.complaint("gradient", "--of", "everything", "--file", model, code=2)
        self.complaint("generate", "gridworld", "--preset", "frozenlake", "--output", "g.json", code=2)

    def test_what_a_command_does_not_do(self):
        model = self.two_states()
        self.assertIn(
            "--level exact: this command has no such level",
            self.complaint("equivalent-model", "--world", model, "--level", "exact", code=2),
        )
        undiscounted = self.write("undiscounted.json", {"format": "mdp", "version": 1, "states": 1,
                                  "choices": [{"state": 0, "cost": 1, "to": [[0, 1]]}]})  # fmt: skip
        pair = ["check", "--world", undiscounted, "--model", undiscounted]
        self.assertIn("say --discount G with G < 1", self.complaint(*pair, code=2))
        self.assertIn("the discounted criterion alone", self.complaint(*pair, "--criterion", "average", code=2))
        self.assertIn(
            "--estimator dice does not estimate --quantity policy-gradient",
            self.complaint("estimate", "--model", model, "--horizon", "3", "--estimator", "dice", code=2),
        )

    def test_numbers_out_of_range(self):
        model = self.two_states()
        for value in ("-1e-9", "nan", "inf", "fine", "1e-6x", ""):
            self.complaint("solve", model, "--tolerance", value, code=2)
            self.complaint("solve", model, "--relative-tolerance", value, code=2)
        for value in ("-1", "0", "1.5", "many"):
            self.complaint("solve", model, "--max-sweeps", value, code=2)
        for value in ("0", "-1", "nan"):
            self.complaint("solve", model, "--time-limit", value, code=2)
        for value in ("-0.1", "1.1", "nan", "a/b", "1/0"):
            self.complaint("solve", model, "--discount", value, code=2)
        self.complaint("solve", model, "--threads", "-1", code=2)
        self.complaint("solve", model, "--row-sum-tolerance", "-1", code=2)
        self.complaint("generate", "garnet", "--states", "0", "--output", "g.json", code=2)
        self.complaint("generate", "garnet", "--states", "3", "--successors", "4", "--output", "g.json", code=2)
        self.complaint("generate", "gridworld", "--slip", "0.6", "--output", "g.json", code=2)
        self.complaint("estimate", "--model", model, "--horizon", "0", code=2)
        self.complaint("gradient", "--of", "world-performance", "--world", model, "--model", model, "--temperature", "0", code=2)

    def test_discounted_needs_a_discount_below_one(self):
        model = self.two_states(discount=1)
        self.assertIn("--discount", self.complaint("solve", model, code=2))
        self.complaint("solve", model, "--criterion", "discounted", code=2)
        self.complaint("solve", self.two_states(), "--discount", "1", code=2)
        goal = self.two_states("goal.json", discount=1, goal=["work"], choices=program.TWO_STATES["choices"][:2])
        self.assertEqual(self.json("solve", goal)["criterion"], "goal")
        self.assertIn("discounted criterion", self.complaint("check", "--world", goal, "--model", goal, code=2))
        average = self.complaint("equivalent-model", "--world", goal, "--world-criterion", "average", code=2)
        self.assertIn("rows keep the Q* of a discounted, goal or total world", average)
        for flags in (["--keep", "actions"], ["--iterate", "3"], ["--temperature", "1"]):
            self.assertIn("the discounted criterion of the world", self.complaint("equivalent-model", "--world", goal, *flags, code=2))
        self.assertEqual(self.json("solve", goal, "--discount", "1/2")["value"], [0, 0])

    def test_flags_that_belong_to_another_criterion(self):
        model = self.two_states()
        self.assertIn("--horizon", self.complaint("solve", model, "--criterion", "finite", code=2))
        self.complaint("solve", model, "--criterion", "finite", "--horizon", "-1", code=2)
        self.complaint("solve", model, "--horizon", "3", code=2)
        self.complaint("solve", model, "--improper", "excluded", code=2)
        self.complaint("solve", model, "--criterion", "goal", "--improper", "include", code=2)
        self.complaint("solve", model, "--criterion", "finite", "--horizon", "2", "--terminal", "missing.json", code=3)
        for criterion in ("total", "goal", "reach", "average"):
            self.complaint("solve", model, "--criterion", criterion, "--discount", "0.5", code=2)
            refused = self.json("solve", model, "--criterion", criterion, "--method", "soft-value-iteration", "--temperature", "1", code=1)
            self.assertEqual(refused["status"], "refused")
            self.assertIn("soft-value-iteration does not apply", refused["message"])
            self.assertNotIn("value", refused)

    def test_temperature_belongs_to_the_soft_problem(self):
        model = self.two_states()
        self.assertIn("--temperature", self.complaint("solve", model, "--method", "soft-value-iteration", code=2))
        self.assertIn("soft-value-iteration", self.complaint("solve", model, "--temperature", "1", code=2))
        self.complaint("solve", model, "--method", "soft-value-iteration", "--temperature", "0", code=2)

    def test_outputs_are_refused_before_work_is_done(self):
        model = self.two_states()
        self.assertIn(".json or .npz", self.complaint("solve", model, "--output", "result.txt", code=2))
        self.assertIn("nowhere", self.complaint("solve", model, "--output", "nowhere/result.json", code=3))
        self.assertIn("nowhere", self.complaint("solve", "no-such.json", "--output", "nowhere/result.json", code=3))
        self.complaint("convert", model, "out.xyz", code=2)
        self.complaint("generate", "garnet", "--output", "out.xyz", code=2)
        if os.geteuid() != 0:
            (self.folder / "sealed").mkdir(mode=0o500)
            self.complaint("solve", model, "--output", "sealed/result.json", code=3)

    def test_help_and_version(self):
        self.assertRegex(self.mdp("--version").stdout, r"^mdp \d+\.\d+\.\d+\n$")
        commands = "info solve evaluate generate convert equivalent-cost equivalent-model gradient estimate study".split()
        overview = self.mdp("--help").stdout
        for command in commands:
            self.assertIn(command, overview)
            text = self.mdp(command, "--help").stdout
            self.assertIn("Examples:", text)
            self.assertIn(f"Usage: mdp {command} ", text)
        kinds = "garnet gridworld inventory planted chain haddad-monmege queue replacement pendulum epidemic"
        for kind in kinds.split():
            text = self.mdp("generate", kind, "--help").stdout
            self.assertIn(f"Usage: mdp generate {kind} ", text)
            self.assertIn("--output", text)


class BadInput(program.ProgramTest):
    def test_missing_empty_and_foreign_files(self):
        for command in (["info"], ["solve"]):
            for name in ("missing.json", "missing.npz", "missing.umb"):
                self.assertIn(name, self.complaint(*command, name, code=3))
            self.assertIn("empty.json", self.complaint(*command, self.write("empty.json", ""), code=3))
            self.assertIn("model.xyz", self.complaint(*command, self.write("model.xyz", "{}"), code=3))
            self.complaint(*command, self.folder, code=3)
        self.complaint("solve", self.write("broken.json", '{"format": "mdp",\n "version": }'), code=3)
        self.complaint("solve", self.write("noise.npz", bytes(range(256))), code=3)
        self.complaint("solve", self.write("noise.umb", bytes(range(256)) * 4), code=3)

    def test_models_that_break_a_rule(self):
        choices = program.TWO_STATES["choices"]
        unstochastic = dict(choices[1], to=[["home", 0.5], ["work", 0.4]])
        message = self.complaint("solve", self.two_states(choices=[choices[0], unstochastic, choices[2]]), code=3)
        self.assertIn("two.json", message)
        self.assertIn("choices[1]", message)
        self.complaint("solve", self.two_states(choices=choices[:2]), code=3)
        self.complaint("solve", self.two_states(surprise=1), code=3)
        self.complaint("solve", self.two_states(discount=1.5), code=3)
        self.complaint("solve", self.two_states(states=4 * 10**12), code=3)
        self.complaint("solve", self.two_states(), "--objective", "maximize", code=3)

    def test_repairs_on_request(self):
        dead = self.two_states(choices=program.TWO_STATES["choices"][:2])
        self.assertEqual(self.json("solve", dead, "--dead-ends", "absorbing")["value"], [0, 0])
        loose = dict(program.TWO_STATES["choices"][1], to=[["home", 0.5], ["work", 0.499]])
        slack = self.two_states(choices=[program.TWO_STATES["choices"][0], loose, program.TWO_STATES["choices"][2]])
        self.complaint("info", slack, code=3)
        self.assertGreater(self.json("info", slack, "--row-sum-tolerance", "0.01")["row_sum_defect"], 0.0009)

    def test_policies_that_do_not_fit(self):
        model = self.two_states()
        for policy in ([0], [0, 1], [2, 0], [-1, 0], [[0.5, 0.4], 0], [[1.5, -0.5], 0], ["go", 0], {"value": [1]}, 7):
            self.assertIn("policy.json", self.complaint("evaluate", model, "--policy", self.write("policy.json", policy), code=3))
        self.complaint("evaluate", model, "--policy", "missing.json", code=3)

    def test_worlds_and_models_that_do_not_fit(self):
        world = self.two_states("world.json")
        other_names = self.two_states("names.json", states=["home", "office"], initial=[[0, 1.0]], choices=[
            dict(choice, state=i, to=[[0, 1]]) for choice, i in zip(program.TWO_STATES["choices"], (0, 0, 1))])  # fmt: skip
        self.assertIn("office", self.complaint("equivalent-cost", "--world", world, "--model", other_names, code=3))
        other_sense = self.write("sense.json", program.maximised(dict(program.TWO_STATES)))
        self.complaint("equivalent-cost", "--world", world, "--model", other_sense, code=3)
        fewer = self.two_states("fewer.json", choices=program.TWO_STATES["choices"][1:])
        self.complaint("equivalent-cost", "--world", world, "--model", fewer, code=3)
        self.complaint("equivalent-model", "--world", world, "--reference", fewer, code=3)
        self.complaint(
            "gradient", "--of", "world-performance", "--world", world, "--model", fewer, "--temperature", "1", code=3
        )

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([program.PROGRAM, "info", self.two_states()], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    program.main()
