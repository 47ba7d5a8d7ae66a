"""PRISM's explicit files and Storm's DRN through the program."""
import json
import shutil
import unittest

import program

INPUTS = program.SOURCE / "tests" / "inputs"


class Explicit(program.ProgramTest):
    def copy(self, name, to=None):
        shutil.copy(INPUTS / name, self.folder / (to or name))
        return to or name

    def test_the_control_model_has_its_known_values(self):
        for part in ("tra", "lab", "srew", "trew"):
            self.copy(f"control.{part}")
        for file in ("control.tra", self.copy("control.drn")):
            solved = self.json("solve", file)
            self.assertEqual((solved["criterion"], solved["objective"]), ("goal", "minimize"))
            self.assertEqual(solved["status"], "converged")
            for v, known in zip(solved["value"], (8, 3, 5, 0)):
                self.assertAlmostEqual(v, known, delta=1e-9)
            self.assertEqual((solved["policy"][0], solved["policy"][2]), (0, 0))
        info = self.json("info", "control.tra")
        self.assertEqual((info["n_states"], info["n_rows"], info["n_transitions"], info["n_goals"]), (4, 6, 10, 1))

    def test_a_reference_without_a_discount_has_the_worlds(self):
        world = self.write("world.json", dict(program.TWO_STATES, discount="7/8"))
        self.json("convert", world, "reference.drn")
        found = self.json("equivalent-model", "--world", world, "--reference", "reference.drn")
        self.assertEqual((found["status"], found["discount"], found["n_changed"]), ("converged", 0.875, 0))
        asked = self.json("equivalent-cost", "--world", world, "--model", "reference.drn", "--discount-model", "1/2")
        self.assertEqual(asked["discount"], 0.5)
        exact = self.json("equivalent-cost", "--world", world, "--model", "reference.drn", "--level", "exact")
        self.assertEqual((exact["status"], exact["discount"]), ("converged", 0.875))

    def test_every_bad_file_is_refused_with_its_name(self):
        self.copy("control.tra")
        for row in json.loads((INPUTS / "manifest.json").read_text()):
            kind = row["format"].removeprefix("prism-")
            if kind not in ("tra", "drn", "lab", "srew"):
                continue
            name, blamed = row["file"], row["file"]
            if kind in ("lab", "srew"):
                self.copy("control.tra", "x.tra")
                blamed = self.copy(name, f"x.{kind}")
                name = "x.tra"
            elif not (self.folder / name).exists():
                self.copy(name)
            if row["verdict"] == "reject":
                self.assertIn(f"{blamed}: ", self.complaint("info", name, code=3), row["file"])
            elif row["verdict"] == "accept":
                self.mdp("info", name)
            for side in self.folder.glob("x.*"):
                side.unlink()

    def test_conversions_keep_the_solution_and_say_what_they_lose(self):
        first = self.json("solve", self.two_states())
        lost = self.json("convert", "two.json", "two.tra")["lost"]
        self.assertEqual(len(lost), 1)
        self.assertIn("--discount 0.5", lost[0])
        self.assertEqual({p.name for p in self.folder.glob("two.*")}, {"two.json", "two.tra", "two.lab", "two.trew", "two.sta"})
        self.mdp("convert", "two.tra", "again.drn")
        self.assertIn("the names of the states", self.mdp("convert", "two.tra", "again.drn").stdout)
        for name in ("two.tra", "again.drn"):
            result = self.json("solve", name, "--discount", "1/2")
            for key in ("value", "value_lower", "value_upper", "policy", "q"):
                self.assertEqual(result[key], first[key], f"{name}: {key}")
        reward = self.json("solve", self.write("max.json", program.maximised(program.TWO_STATES)))
        self.mdp("convert", "max.json", "max.tra")
        self.assertEqual(self.json("solve", "max.tra", "--discount", 0.5, "--objective", "maximize")["value"], reward["value"])

    def test_generated_models_arrive(self):
        for name in ("g.tra", "g.drn"):
            self.mdp("generate", "gridworld", "--preset", "frozenlake4x4", "--output", name)
            value = self.json("solve", name, "--discount", "99/100", "--objective", "maximize")["value"][0]
            self.assertAlmostEqual(value, 0.542025932000, delta=5e-10)


if __name__ == "__main__":
    program.main()
