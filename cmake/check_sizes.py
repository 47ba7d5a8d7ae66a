#!/usr/bin/env python3
"""No source file passes 500 lines: it wants to be two. Usage: check_sizes.py ROOT."""
import pathlib
import sys

FOLDERS = ("libmdp", "solvers", "equivalence", "estimators", "cli", "bench", "tests", "cmake")
SUFFIXES = {".hpp", ".cpp", ".py", ".cmake"}
MOST = 500


def check(root):
    problems = []
    for folder in FOLDERS:
        for path in sorted(pathlib.Path(root, folder).rglob("*")):
            if path.suffix in SUFFIXES:
                lines = path.read_text(encoding="utf-8").count("\n")
                if lines > MOST:
                    name = path.relative_to(root).as_posix()
                    problems.append(f"{name}: {lines} lines (at most {MOST})")
    return problems


if __name__ == "__main__":
    found = check(sys.argv[1])
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)
