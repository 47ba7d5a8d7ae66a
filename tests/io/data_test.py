"""The models of data/: made again by data/make.py they are the same files, and solved they have the values that
data/README.md says.

Usage: data_test.py PROGRAM."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DATA = pathlib.Path(os.environ.get("MDP_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2])) / "data"
PROGRAM = pathlib.Path(sys.argv[1])


class Data(unittest.TestCase):
    def test_made_again(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(DATA / "make.py", folder)
            subprocess.run([sys.executable, pathlib.Path(folder) / "make.py"], check=True)
            made = sorted(pathlib.Path(folder).glob("*.json"))
            self.assertEqual(len(made), 5)
            for file in made:
                self.assertEqual(file.read_bytes(), (DATA / file.name).read_bytes(), file.name)

    def test_known_values(self):
        if not PROGRAM.exists():
            self.skipTest("no program")
        known = {"frozen_lake_4x4": [0.542025932000], "frozen_lake_8x8": [0.414640361800],
                 "howard_taxicab": [121.653471123, 135.306275523, 122.836903075]}
        for name, values in known.items():
            result = subprocess.run([PROGRAM, "solve", DATA / f"{name}.json", "--json"], capture_output=True, check=True)
            solved = json.loads(result.stdout)
            self.assertEqual(solved["status"], "converged")
            self.assertLess(solved["value_error_bound"], 1e-6)
            for value, expected in zip(solved["value"], values):
                self.assertAlmostEqual(value, expected, delta=1e-9 * abs(expected) + 5e-10, msg=name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
