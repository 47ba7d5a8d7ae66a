#!/usr/bin/env python3
"""Who may include whom. Usage: check_layers.py ROOT; prints every violation, exit code 1 if any.

Reads the #include lines of all .hpp, .cpp and .inc files of the rooms. The rules:

- libmdp <- solvers <- {equivalence, estimators} <- cli, bench, tests;
- inside libmdp: types, error, status <- mdp (and what else lies in libmdp/) <- kernels
  <- bounds, graph, io, generate, which do not know each other, except that generate knows bounds;
  certificate, the independent checker, knows io and none of kernels, graph and bounds;
- our headers are included by their path from the root, exist, and form no circle;
- headers of the library rooms include the standard library and ours only; internal headers (those of
  cmake/internal_headers.txt) may do what .cpp files may, and public headers do not include them;
- a third-party library is included where THIRD_PARTY says, and nowhere else.
"""
import pathlib
import re
import sys

LIBRARY_ROOMS = ("libmdp", "solvers", "equivalence", "estimators")
MAY_INCLUDE = {
    "libmdp": {"libmdp"},
    "solvers": {"libmdp", "solvers"},
    "equivalence": {"libmdp", "solvers", "equivalence"},
    "estimators": {"libmdp", "solvers", "estimators"},
    "cli": {*LIBRARY_ROOMS, "cli"},
    "bench": {*LIBRARY_ROOMS, "bench"},
    "tests": {*LIBRARY_ROOMS, "cli", "tests"},
}

# Layers of libmdp: a file sees its own layer and those listed.
# The wrapper around OpenMP knows no Mdp: building one runs in parallel too.
BASE_FILES = {"libmdp/kernels/parallel.hpp", "libmdp/kernels/parallel.cpp"}
BASE_STEMS = {"types", "error", "status", "buffer", "two_double"}
LIBMDP_MAY_INCLUDE = {
    "base": {"base"},
    "mdp": {"base", "mdp"},
    "kernels": {"base", "mdp", "kernels"},
    "bounds": {"base", "mdp", "kernels", "bounds"},
    "graph": {"base", "mdp", "kernels", "graph"},
    "io": {"base", "mdp", "kernels", "io"},
    "certificate": {"base", "mdp", "io", "certificate"},
    "generate": {"base", "mdp", "kernels", "bounds", "generate"},
}

# Prefix of the include -> regular expression of the files that may have it.
THIRD_PARTY = {
    "boost/": r"libmdp/graph/.*\.cpp|tests/.*",
    "archive": r"libmdp/io/.*\.cpp|tests/.*",
    "Eigen/": r"(libmdp|solvers|equivalence|estimators|bench|tests)/.*\.cpp|tests/.*",
    "unsupported/Eigen/": r"tests/.*",
    "fmt/": r".*\.cpp|(cli|bench|tests)/.*",
    "nlohmann/": r"libmdp/io/.*\.cpp|(cli|bench|tests)/.*",
    "Random123/": r"(libmdp|estimators)/.*\.cpp|tests/.*",
    "gmp": r"(libmdp|solvers|equivalence)/.*\.cpp|tests/.*",
    "omp.h": r"libmdp/kernels/.*|(bench|tests)/.*",
    "CLI/": r"cli/.*",
    "toml++/": r"cli/.*",
    "catch2/": r"tests/.*",
    "rapidcheck": r"tests/.*",
    "benchmark/": r"bench/.*",
    "klu.h": r".*\.cpp",
    "flint/": r".*\.cpp",
    "Clp": r".*\.cpp",
    "petsc": r".*\.cpp",
    "iostream": r"(cli|bench|tests)/.*",  # libraries do not print
}
# These stay behind one file pair each.
ONE_PAIR = ("klu.h", "flint/", "Clp", "petsc")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
STANDARD = re.compile(r"[a-z_0-9]+")
SYSTEM = re.compile(r"(sys/|linux/|netinet/|immintrin\.h|[a-z]+\.h$)")


def libmdp_layer(path):
    parts = path.split("/")
    if path in BASE_FILES:
        return "base"
    if len(parts) > 2:
        return parts[1]
    stem = parts[1].rsplit(".", 1)[0]
    if stem in BASE_STEMS:
        return "base"
    return "bounds" if stem == "bounds" else "mdp"


def check_ours(path, target, known, internal):
    room, target_room = path.split("/")[0], target.split("/")[0]
    if target not in known:
        return f'includes "{target}", which does not exist as a path from the root'
    if target_room not in MAY_INCLUDE[room]:
        return f'room {room} may not include room {target_room}: "{target}"'
    if target in internal and path.endswith(".hpp") and path not in internal and room in LIBRARY_ROOMS:
        return f'a public header may not include an internal one: "{target}"'
    if room == target_room == "libmdp":
        layer, target_layer = libmdp_layer(path), libmdp_layer(target)
        if layer not in LIBMDP_MAY_INCLUDE:
            return f"libmdp/{layer} is no known layer: add it to LIBMDP_MAY_INCLUDE"
        if target_layer not in LIBMDP_MAY_INCLUDE[layer]:
            return f'in libmdp, {layer} may not include {target_layer}: "{target}"'
    return None


def check_system(path, target):
    """`path` of an internal header is given as that of a .cpp file."""
    for prefix, where in THIRD_PARTY.items():
        if target.startswith(prefix):
            if not re.fullmatch(where, path):
                return f"<{target}> is not allowed here, only in {where}"
            return None
    if STANDARD.fullmatch(target):
        return None
    if path.endswith(".cpp") and SYSTEM.match(target):
        return None
    if path.endswith(".hpp") and path.split("/")[0] in LIBRARY_ROOMS:
        return f"<{target}>: public headers include the standard library and our headers only"
    return f"<{target}> is an unknown library: add it to THIRD_PARTY"


def find_circle(graph):
    done, stack = set(), []

    def visit(file):
        if file in stack:
            return stack[stack.index(file):] + [file]
        if file in done:
            return None
        stack.append(file)
        for target in graph.get(file, ()):
            circle = visit(target)
            if circle:
                return circle
        stack.pop()
        done.add(file)
        return None

    for file in sorted(graph):
        circle = visit(file)
        if circle:
            return circle
    return None


def check(root):
    root = pathlib.Path(root)
    files = sorted(
        path.relative_to(root).as_posix()
        for room in MAY_INCLUDE
        for suffix in ("hpp", "cpp", "inc")
        for path in (root / room).rglob(f"*.{suffix}")
    )
    # The consumer and the fuzz targets of another compiler are programs like others; a project that
    # uses the installed package is not part of the tree.
    files = [file for file in files if not file.startswith("tests/install/")]
    listed = root / "cmake/internal_headers.txt"
    internal = set(listed.read_text().split("\n") if listed.exists() else [])
    known, graph, problems, pairs = set(files), {}, [], {}
    for path in files:
        text = (root / path).read_text(encoding="utf-8")
        if path.endswith(".hpp") and "#pragma once" not in text:
            problems.append(f"{path}: no #pragma once")
        if re.search(r"^\s*#\s*pragma\s+omp", text, re.MULTILINE) and not re.fullmatch(
            THIRD_PARTY["omp.h"], path
        ):
            problems.append(f"{path}: OpenMP lives in libmdp/kernels/ only")
        for quote, target in INCLUDE.findall(text):
            if quote == '"':
                problem = check_ours(path, target, known, internal)
                graph.setdefault(path, []).append(target)
            else:
                problem = check_system(path[:-3] + "cpp" if path in internal else path, target)
                for library in ONE_PAIR:
                    if target.startswith(library) and not path.startswith("tests/"):
                        pairs.setdefault(library, set()).add(path.rsplit(".", 1)[0])
            if problem:
                problems.append(f"{path}: {problem}")
    for library, stems in pairs.items():
        if len(stems) > 1:
            problems.append(f"<{library}> belongs behind one file pair, not {sorted(stems)}")
    circle = find_circle(graph)
    if circle:
        problems.append("circle: " + " -> ".join(circle))
    return problems


if __name__ == "__main__":
    found = check(sys.argv[1])
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
