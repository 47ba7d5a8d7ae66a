"""generate, convert and --output: what is written is whole, reads back, and is the same for the same seed."""
import json
import struct
import unittest
import zipfile

import program


def npz(path):
    """The arrays of an .npz file, as flat lists, without NumPy."""
    arrays = {}
    with zipfile.ZipFile(path) as members:
        for name in members.namelist():
            data = members.read(name)
            assert data[:6] == b"\x93NUMPY", name
            size = struct.unpack("<H" if data[6] == 1 else "<I", data[8 : 10 if data[6] == 1 else 12])[0]
            start = (10 if data[6] == 1 else 12) + size
            header = eval(data[start - size : start].decode())  # a dict literal
            kind = header["descr"]
            if kind.startswith("<U"):
                width = int(kind[2:]) * 4
                body = data[start:]
                texts = [body[i : i + width].decode("utf-32-le").rstrip("\0") for i in range(0, len(body), width or 1)]
                arrays[name[:-4]] = texts
            else:
                code = {"<f8": "d", "<i8": "q", "<i4": "i"}[kind]
                arrays[name[:-4]] = list(struct.unpack(f"<{len(data[start:]) // int(kind[2])}{code}", data[start:]))
    return arrays


class Output(program.ProgramTest):
    def test_json_output_is_what_json_prints(self):
        model = self.two_states()
        printed = self.json("solve", model, "--output", "r.json")
        written = json.loads((self.folder / "r.json").read_text())
        self.assertEqual(printed, written)

    def test_npz_output(self):
        printed = self.json("solve", self.two_states(), "--output", "r.npz")
        arrays = npz(self.folder / "r.npz")
        self.assertEqual(arrays["value"], printed["value"])
        self.assertEqual(arrays["policy"], printed["policy"])
        self.assertEqual(arrays["q"], sum(printed["q"], []))
        self.assertEqual(arrays["state_rows"], [0, 2, 3])
        self.assertEqual(arrays["status"], ["converged"])
        self.assertEqual(arrays["discount"], [0.5])

    def test_an_old_file_survives_a_failure(self):
        old = self.write("r.json", "precious")
        self.complaint("solve", "missing.json", "--output", old, code=3)
        self.assertEqual((self.folder / "r.json").read_text(), "precious")
        self.mdp("solve", self.two_states(), "--output", old)
        self.assertEqual(json.loads((self.folder / "r.json").read_text())["status"], "converged")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["r.json", "two.json"])

    def test_an_output_to_standard_output_is_possible(self):
        done = self.mdp("convert", self.two_states(), "copy.json", "--json")
        self.assertEqual(json.loads(done.stdout)["lost"], [])


class Generate(program.ProgramTest):
    def test_the_same_seed_gives_the_same_bytes(self):
        for name, seed in (("a.npz", 7), ("b.npz", 7), ("c.npz", 8)):
            self.mdp("generate", "garnet", "--states", "50", "--actions", "3", "--successors", "4", "--discount", "0.9",
                     "--seed", seed, "--output", name)  # fmt: skip
        a, b, c = ((self.folder / name).read_bytes() for name in ("a.npz", "b.npz", "c.npz"))
        self.assertEqual(a, b)
        self.assertNotEqual(a, c)
        result = self.json("info", "a.npz")
        self.assertEqual((result["n_states"], result["n_rows"], result["n_transitions"]), (50, 150, 600))
        self.assertEqual(result["discount"], 0.9)

    def test_planted_truth_is_what_solve_finds(self):
        for name in ("p.json", "p.umb"):
            summary = self.json("generate", "planted", "--states", "40", "--discount", "0.875", "--output", name)
            self.assertEqual(summary["truth"], "p.truth.json")
            truth = json.loads((self.folder / "p.truth.json").read_text())
            result = self.json("solve", name)
            self.assertEqual(result["policy"], truth["policy"])
            self.assert_shaped(truth["q"], [len(q) for q in result["q"]])
            bound = truth["value_error_bound"]
            for low, v, high in zip(result["value_lower"], truth["value"], result["value_upper"]):
                self.assertLessEqual(low, v + bound)
                self.assertGreaterEqual(high, v - bound)

    def test_gridworlds(self):
        self.mdp("generate", "gridworld", "--preset", "frozenlake8x8", "--output", "lake.json")
        self.assertEqual(self.json("info", "lake.json")["n_states"], 64)
        self.mdp("generate", "gridworld", "--width", "3", "--height", "2", "--slip", "1/8", "--discount", "9/10", "--output", "g.json")
        result = self.json("info", "g.json")
        self.assertEqual((result["n_states"], result["n_goals"], result["discount"]), (6, 1, 0.9))
        self.complaint("generate", "gridworld", "--preset", "frozenlake8x8", "--width", "3", "--output", "g.json", code=2)

    def test_inventory(self):
        self.mdp("generate", "inventory", "--capacity", "4", "--lots", "0,2", "--output", "i.json")
        self.mdp("generate", "inventory", "--capacity", "4", "--lots", "0,2", "--mean-demand", "--output", "m.json")
        world, model = self.json("info", "i.json"), self.json("info", "m.json")
        self.assertEqual((world["n_states"], world["n_rows"]), (25, 100))
        self.assertEqual((model["n_states"], model["n_rows"], model["n_transitions"]), (25, 100, 100))

    def test_processes(self):
        """Each kind at a small size, solved with certificates; parameters arrive."""
        kinds = {
            "chain": ("--states", 60, "--discount", "0.999", "--seed", 5),
            "haddad-monmege": ("--length", 12),
            "queue": ("--queues", 2, "--capacity", 4, "--arrival", 0.25, "--service", "0.125,0.25", "--service-cost", "0,2"),
            "replacement": ("--machines", 2, "--levels", 6),
            "pendulum": ("--angles", 9, "--velocities", 7, "--torques", 3),
            "epidemic": ("--population", 6, "--interventions", "1,0.25"),
        }
        sizes = {"chain": (60, 180), "haddad-monmege": (25, 25), "queue": (25, 25 * 6 - 2 * 5 * 2),
                 "replacement": (36, 108), "pendulum": (63, 189), "epidemic": (28, 49)}  # fmt: skip
        for kind, parameters in kinds.items():
            summary = self.json("generate", kind, *parameters, "--output", f"{kind}.npz")
            self.assertEqual((summary["n_states"], summary["n_rows"]), sizes[kind], kind)
            self.assertEqual(summary["lost"], [])
            self.assertEqual(self.json("solve", f"{kind}.npz")["status"], "converged", kind)
        steps = self.json("solve", "haddad-monmege.npz")
        self.assertEqual(steps["criterion"], "goal")
        self.assertAlmostEqual(steps["value"][0], 3 * 2**11 - 2, delta=1e-4)
        self.assertIn("at most 1", self.complaint("generate", "queue", "--arrival", 0.9, "--output", "q.npz", code=2))
        self.complaint("generate", "queue", "--service", "0.1", "--output", "q.npz", code=2)
        self.complaint("generate", "gridworld", "--moves", "sideways", "--output", "g.npz", code=2)
        names = []
        for moves in ((), ("--moves", "gymnasium")):
            self.mdp("generate", "gridworld", "--width", 2, "--height", 2, *moves, "--output", "g.json")
            names.append([choice["action"] for choice in json.loads((self.folder / "g.json").read_text())["choices"][:4]])
        self.assertEqual(names, [["up", "right", "down", "left"], ["left", "down", "right", "up"]])


class Convert(program.ProgramTest):
    def test_round_trips_keep_the_solution(self):
        first = self.json("solve", self.two_states())
        self.mdp("convert", "two.json", "two.umb")
        self.mdp("convert", "two.umb", "two.npz")
        self.mdp("convert", "two.npz", "again.json")
        for name in ("two.umb", "two.npz", "again.json"):
            result = self.json("solve", name)
            for key in ("value", "value_lower", "value_upper", "policy", "q", "discount", "objective"):
                self.assertEqual(result[key], first[key], (name, key))

    def test_lost_is_a_list_of_strings(self):
        for out in ("c.umb", "c.npz", "c.json"):
            lost = self.json("convert", self.two_states(), out)["lost"]
            self.assertIsInstance(lost, list)
            self.assertTrue(all(isinstance(what, str) for what in lost))


if __name__ == "__main__":
    program.main()
