"""Every example in README.md and docs/ runs, and prints what the text says.

- ```sh blocks run in bash, in a folder of their own that holds data/, with mdp on PATH. A line that starts the
  project's own commands (./dev, git clone, apt-get, cmake, ctest) is an install command: such a block is not run, but
  every command that it names must exist.
- ```cpp blocks compile and run against the installed package; without a main(), the lines after the #includes become
  one.
- A ```text block right after one of these is its output. "..." stands for anything; runs of blanks and the dashes of
  a table's rules count as one.

Usage: examples_test.py PROGRAM; MDP_INSTALL_PREFIX names the installed package for the cpp blocks.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(sys.argv[1])
PREFIX = os.environ.get("MDP_INSTALL_PREFIX")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALL = re.compile(r"^\s*(\./dev|git clone|cd|(sudo )?apt-get|cmake|ctest)\b")
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(examples LANGUAGES CXX)
find_package(libmdp REQUIRED)
foreach(example {names})
  add_executable(${{example}} ${{example}}.cpp)
  target_link_libraries(${{example}} PRIVATE
    libmdp::libmdp libmdp::solvers libmdp::equivalence libmdp::estimators)
endforeach()
"""


def examples():
    """(where, language, code, expected output or None) of every block that is an example."""
    pages = [SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md"))]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        blocks = list(FENCE.finditer(text))
        for block, after in zip(blocks, [*blocks[1:], None]):
            language, code = block[1], block[2]
            if language not in ("sh", "cpp"):
                continue
            expected = None
            if after and after[1] == "text" and not text[block.end() : after.start()].strip():
                expected = after[2]
            line = text.count("\n", 0, block.start()) + 1
            yield f"{page.relative_to(SOURCE)}:{line}", language, code, expected


def is_install(code):
    lines = [line for line in code.splitlines() if line.strip()]
    return all(INSTALL.match(line) for line in lines)


def simplify(text):
    text = re.sub(r"[-─━═]{3,}", "---", text)
    return [re.sub(r"\s+", " ", line).strip() for line in text.strip().splitlines() if line.strip()]


def matches(expected, printed):
    pattern = r"\n".join(
        re.escape(line).replace(r"\.\.\.", ".*") if line != "..." else r"[\s\S]*?"
        for line in simplify(expected)
    )
    return re.fullmatch(pattern, "\n".join(simplify(printed))) is not None


class Examples(unittest.TestCase):
    maxDiff = None

    def run_in(self, folder, command, where):
        environment = dict(os.environ, PATH=f"{PROGRAM.parent}:{os.environ['PATH']}")
        done = subprocess.run(
            command, cwd=folder, env=environment, text=True, capture_output=True, timeout=240
        )
        self.assertEqual(done.returncode, 0, f"{where}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def compare(self, where, expected, printed):
        if expected is not None and not matches(expected, printed):
            self.fail(f"{where} prints\n{printed}\nbut the text says\n{expected}")

    def test_there_are_examples(self):
        languages = [language for where, language, *_ in examples() if where.startswith("README")]
        self.assertIn("sh", languages)

    def test_install_commands_exist(self):
        commands = set(re.findall(r"^  (\w+)  ", (SOURCE / "dev").read_text(), re.MULTILINE))
        for where, language, code, _ in examples():
            for name in re.findall(r"^\./dev (\w+)", code, re.MULTILINE) if language == "sh" else []:
                self.assertIn(name, commands, where)

    def test_shell(self):
        for where, language, code, expected in examples():
            if language != "sh" or is_install(code):
                continue
            with self.subTest(where), tempfile.TemporaryDirectory() as folder:
                os.symlink(SOURCE / "data", pathlib.Path(folder, "data"))
                printed = self.run_in(folder, ["bash", "-euo", "pipefail", "-c", code], where)
                self.compare(where, expected, printed)

    def test_cpp(self):
        found = [example for example in examples() if example[1] == "cpp"]
        if not found:
            return
        if PREFIX is None:
            self.skipTest("no installed package")
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            os.symlink(SOURCE / "data", root / "data")
            names = []
            for where, _, code, _ in found:
                names.append(re.sub(r"\W", "_", where))
                if not re.search(r"\bint main\b", code):
                    lines = code.splitlines()
                    includes = [line for line in lines if line.startswith("#include")]
                    rest = [line for line in lines if not line.startswith("#include")]
                    code = "\n".join([*includes, "int main() {", *rest, "}", ""])
                (root / f"{names[-1]}.cpp").write_text(code)
            (root / "CMakeLists.txt").write_text(PROJECT.format(names=" ".join(names)))
            configure = ["cmake", "-B", "build", f"-DCMAKE_PREFIX_PATH={PREFIX}", "-GNinja"]
            self.run_in(folder, configure, "the examples' CMakeLists.txt")
            self.run_in(folder, ["cmake", "--build", "build"], "the cpp examples")
            for name, (where, _, _, expected) in zip(names, found):
                with self.subTest(where):
                    self.compare(where, expected, self.run_in(folder, [f"build/{name}"], where))


class Comparison(unittest.TestCase):
    def test_matches(self):
        self.assertTrue(matches("a  b\n", "a b\n"))
        self.assertTrue(matches("a ... c\n", "a 12.5 c\n"))
        self.assertTrue(matches("a\n...\nd\n", "a\nb\nc\nd\n"))
        self.assertTrue(matches("-----  ----\n", "-------- ---\n"))
        self.assertFalse(matches("a\n", "a\nb\n"))
        self.assertFalse(matches("0.542\n", "0x542\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
