#!/usr/bin/env python3
"""Makes each mutation of mutations.toml in a copy of the tree, and asks that its test fails.

Usage: run.py [WORDS...]: only the mutations whose statement, file or test contains one of the words.
Exit code 1 if one survives. The sources of the checkout are not touched.
"""
import shutil
import subprocess
import sys
import tempfile

import mutations


def run(command, folder):
    return subprocess.run(command, cwd=folder, text=True, capture_output=True)


def passes(root, build, test):
    """Builds the program of a test and runs it; None if it does not build."""
    made = run(["cmake", "--build", build, "--target", f"{test.split('/')[0]}_tests", "-j2"], root)
    if made.returncode != 0:
        print(made.stdout[-2000:], file=sys.stderr)
        return None
    return run(["ctest", "--test-dir", build, "-R", f"^{test}$"], root).returncode == 0


def main(words):
    chosen = [
        mutation
        for mutation in mutations.load()
        if not words or any(w in mutation[k] for w in words for k in ("statement", "file", "test"))
    ]
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        root = f"{folder}/tree"
        shutil.copytree(
            mutations.SOURCE, root, ignore=shutil.ignore_patterns("build", ".git", "out"), symlinks=True
        )
        configured = run(["cmake", "--preset", "release"], root)
        if configured.returncode != 0:
            sys.exit(configured.stderr)
        build = f"{root}/build/release"
        for test in sorted({mutation["test"] for mutation in chosen}):
            if not passes(root, build, test):
                sys.exit(f"{test} does not pass before any mutation")
        for mutation in chosen:
            problem = mutations.problem(mutation)
            if problem:
                sys.exit(problem)
            path = f"{root}/{mutation['file']}"
            with open(path, encoding="utf-8") as file:
                text = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(text.replace(mutation["old"], mutation["new"]))
            verdict = {True: "SURVIVED", False: "killed", None: "does not build"}[
                passes(root, build, mutation["test"])
            ]
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            survivors += verdict != "killed"
            print(
                f"{verdict:9} {mutation['statement']:4} {mutation['file']}: "
                f"{mutation['old']!r} -> {mutation['new']!r} by {mutation['test']}",
                flush=True,
            )
    print(f"{len(chosen) - survivors} of {len(chosen)} killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
