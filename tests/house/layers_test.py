"""The checks of the house pass on this tree, and each of them fails on a tree that breaks its rule."""
import os
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "cmake"))
import check_layers  # noqa: E402
import check_sizes  # noqa: E402

GUARD = "#pragma once\n"


class Layers(unittest.TestCase):
    def problems(self, files):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(GUARD + text if name.endswith(".hpp") else text)
            return check_layers.check(folder)

    def rejects(self, files, message):
        problems = self.problems(files)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(message, problems[0])

    def test_this_tree(self):
        self.assertEqual(check_layers.check(SOURCE), [])

    def test_a_good_tree(self):
        files = {
            "libmdp/types.hpp": "#include <vector>\n",
            "libmdp/mdp.hpp": '#include "libmdp/types.hpp"\n',
            "libmdp/kernels/bellman.hpp": '#include "libmdp/mdp.hpp"\n#include <omp.h>\n',
            "libmdp/graph/scc.cpp": "#include <boost/graph/strong_components.hpp>\n",
            "solvers/value_iteration.hpp": '#include "libmdp/kernels/bellman.hpp"\n',
            "solvers/lu.cpp": "#include <klu.h>\n",
            "estimators/simulator.hpp": '#include "solvers/value_iteration.hpp"\n',
            "cli/main.cpp": '#include <CLI/CLI.hpp>\n#include "estimators/simulator.hpp"\n',
        }
        self.assertEqual(self.problems(files), [])

    def test_rooms(self):
        self.rejects(
            {"libmdp/a.cpp": '#include "solvers/b.hpp"\n', "solvers/b.hpp": ""},
            "room libmdp may not include room solvers",
        )
        self.rejects(
            {"equivalence/a.cpp": '#include "estimators/b.hpp"\n', "estimators/b.hpp": ""},
            "room equivalence may not include room estimators",
        )
        self.rejects(
            {"solvers/a.cpp": '#include "tests/b.hpp"\n', "tests/b.hpp": ""},
            "room solvers may not include room tests",
        )

    def test_layers_of_libmdp(self):
        for lower, upper in [
            ("libmdp/types.hpp", "libmdp/mdp.hpp"),
            ("libmdp/mdp.cpp", "libmdp/kernels/bellman.hpp"),
            ("libmdp/kernels/bellman.hpp", "libmdp/bounds.hpp"),
            ("libmdp/io/json.cpp", "libmdp/graph/scc.hpp"),
        ]:
            with self.subTest(lower=lower):
                self.rejects({lower: f'#include "{upper}"\n', upper: ""}, "in libmdp,")
        self.rejects(
            {"libmdp/attic/a.hpp": '#include "libmdp/mdp.hpp"\n', "libmdp/mdp.hpp": ""},
            "no known layer",
        )

    def test_third_parties(self):
        for file, include, message in [
            ("solvers/a.cpp", "boost/graph/x.hpp", "not allowed here"),
            ("libmdp/graph/a.hpp", "boost/graph/x.hpp", "not allowed here"),
            ("solvers/a.hpp", "Eigen/Core", "not allowed here"),
            ("solvers/a.hpp", "unistd.h", "public headers"),
            ("solvers/a.cpp", "iostream", "not allowed here"),
            ("solvers/a.cpp", "tbb/tbb.h", "unknown library"),
        ]:
            with self.subTest(include=include):
                self.rejects({file: f"#include <{include}>\n"}, message)
        self.rejects(
            {"solvers/a.cpp": "#include <klu.h>\n", "solvers/b.cpp": "#include <klu.h>\n"},
            "one file pair",
        )
        self.rejects({"solvers/a.cpp": "#pragma omp parallel for\n"}, "OpenMP lives in")

    def test_internal_headers(self):
        files = {
            "cmake/internal_headers.txt": "# comment\nlibmdp/io/rational.hpp\n",
            "libmdp/io/rational.hpp": "#include <gmpxx.h>\n",
            "libmdp/io/reader.cpp": '#include "libmdp/io/rational.hpp"\n',
        }
        self.assertEqual(self.problems(files), [])
        files["libmdp/io/reader.hpp"] = files.pop("libmdp/io/reader.cpp")
        self.rejects(files, "a public header may not include an internal one")

    def test_paths_guards_and_circles(self):
        self.rejects({"solvers/a.cpp": '#include "b.hpp"\n', "solvers/b.hpp": ""}, "does not exist")
        self.rejects({"solvers/a.hpp": '#include "solvers/a.hpp"\n'}, "circle")
        self.rejects(
            {
                "solvers/a.hpp": '#include "solvers/b.hpp"\n',
                "solvers/b.hpp": '#include "solvers/a.hpp"\n',
            },
            "circle: solvers/a.hpp -> solvers/b.hpp -> solvers/a.hpp",
        )
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/solvers")
            pathlib.Path(folder, "solvers/a.hpp").write_text("int a();\n")
            self.assertEqual(check_layers.check(folder), ["solvers/a.hpp: no #pragma once"])


class Sizes(unittest.TestCase):
    def test_this_tree(self):
        self.assertEqual(check_sizes.check(SOURCE), [])

    def test_a_long_file(self):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(f"{folder}/solvers")
            pathlib.Path(folder, "solvers/fits.cpp").write_text("\n" * 500)
            pathlib.Path(folder, "solvers/long.cpp").write_text("\n" * 501)
            self.assertEqual(
                check_sizes.check(folder), ["solvers/long.cpp: 501 lines (at most 500)"]
            )


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
