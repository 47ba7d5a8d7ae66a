"""Array models between NumPy and the program: what numpy.savez writes is read, what the program writes numpy.load reads.

Usage: numpy_test.py PROGRAM. Skipped (77) without NumPy or the program."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy
except ImportError:
    sys.exit(77)
PROGRAM = pathlib.Path(sys.argv[1])
if not PROGRAM.exists():
    sys.exit(77)


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False)


def model():
    return {"state_rows": numpy.array([0, 2, 3]), "row_begin": numpy.array([0, 2, 3, 4]),
            "next_state": numpy.array([0, 1, 1, 1], dtype=numpy.int32), "probability": numpy.array([0.25, 0.75, 1, 1]),
            "cost": numpy.array([1.0, 2.0, 0.0]), "discount": numpy.float64(0.5), "objective": numpy.array("maximize"),
            "initial": numpy.array([1.0, 0.0])}


class NumPy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def convert(self, arrays, save=numpy.savez, end="npz"):
        save(self.folder / "in.npz", **arrays)
        out = self.folder / f"out.{end}"
        result = run("convert", self.folder / "in.npz", out)
        self.assertEqual(result.returncode, 0, result.stderr)
        return out

    def test_round_trip(self):
        for save in (numpy.savez, numpy.savez_compressed):
            with numpy.load(self.convert(model(), save)) as read:
                for name, array in model().items():
                    numpy.testing.assert_array_equal(read[name], array, name)
                self.assertEqual(read["next_state"].dtype, numpy.int32)

    def test_to_text(self):
        text = json.loads(self.convert(model(), end="json").read_text())
        self.assertEqual(text["objective"], "maximize")
        self.assertEqual(text["choices"][0], {"state": 0, "action": 0, "cost": 1, "to": [[0, 0.25], [1, 0.75]]})

    def test_64_bit_successors_and_integer_costs(self):
        arrays = model() | {"next_state": numpy.array([0, 1, 1, 1]), "cost": numpy.array([1, 2, 0])}
        with numpy.load(self.convert(arrays)) as read:
            numpy.testing.assert_array_equal(read["cost"], [1.0, 2.0, 0.0])

    def test_wrong_types_are_refused(self):
        for name, array in {"probability": model()["probability"].astype(">f8"),
                            "cost": model()["cost"].astype(numpy.complex128),
                            "next_state": model()["next_state"].astype(numpy.float64),
                            "state_rows": numpy.array([[0, 2, 3]])}.items():
            numpy.savez(self.folder / "in.npz", **(model() | {name: array}))
            result = run("convert", self.folder / "in.npz", self.folder / "out.npz")
            self.assertEqual(result.returncode, 3, name)
            self.assertIn(name, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
