"""What the tests of the program share: running it, small models, a scratch folder.

Every test file is called with the path of the program as its first argument.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve()) if len(sys.argv) > 1 else "mdp"
SOURCE = pathlib.Path(os.environ.get("MDP_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))

# Two states; `go` from the first leads to the second or back, the second rests. Costs as rationals.
TWO_STATES = {
    "format": "mdp", "version": 1, "objective": "minimize", "discount": 0.5,
    "states": ["home", "work"],
    "initial": [["home", 1.0]],
    "choices": [
        {"state": "home", "action": "stay", "cost": 1, "to": [["home", 1]]},
        {"state": "home", "action": "go", "cost": 0, "to": [["home", "1/2"], ["work", "1/2"]]},
        {"state": "work", "action": "rest", "cost": 1, "to": [["work", 1]]},
    ],
}  # fmt: skip
# V(work) = 2; V(home) = min(1 + V/2, (V + 2)/4) = 2/3, by `go`.


def maximised(model):
    """The same model told in rewards: every value changes its sign."""
    turned = dict(model, objective="maximize")
    turned["choices"] = [dict(choice, cost=-choice["cost"]) for choice in model["choices"]]
    return turned


class ProgramTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def write(self, name, content):
        """A file in the scratch folder; anything but text and bytes is written as JSON. Returns its path."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def two_states(self, name="two.json", **changes):
        return self.write(name, dict(TWO_STATES, **changes))

    def mdp(self, *arguments, code=0, timeout=200):
        """Runs the program and checks its exit code; nothing is on standard error unless something is wrong."""
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)], cwd=self.folder, text=True, capture_output=True, timeout=timeout
        )
        self.assertEqual(done.returncode, code, f"mdp {' '.join(map(str, arguments))}\n{done.stdout}\n{done.stderr}")
        if code in (0, 1):
            self.assertEqual(done.stderr, "")
        return done

    def json(self, *arguments, code=0, timeout=200):
        """The one JSON object on standard output."""
        return json.loads(self.mdp(*arguments, "--json", code=code, timeout=timeout).stdout)

    def complaint(self, *arguments, code):
        """The one line on standard error; nothing is on standard output."""
        done = self.mdp(*arguments, code=code)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("mdp: error: "), done.stderr)
        self.assertTrue(done.stderr.endswith("\n"))
        return done.stderr

    def assert_shaped(self, nested, lengths):
        """An array of arrays: per state, its actions."""
        self.assertEqual([len(state) for state in nested], lengths)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
