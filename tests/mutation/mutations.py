"""The list of mutations, and what makes one well-formed."""
import pathlib
import tomllib

FOLDER = pathlib.Path(__file__).resolve().parent
SOURCE = FOLDER.parents[1]


def load():
    with open(FOLDER / "mutations.toml", "rb") as file:
        return tomllib.load(file)["mutation"]


def problem(mutation, root=SOURCE):
    """None, or why a mutation cannot be made."""
    if set(mutation) != {"statement", "file", "old", "new", "test"}:
        return "a mutation has statement, file, old, new and test"
    file = root / mutation["file"]
    if not file.exists():
        return f"{mutation['file']} does not exist"
    found = file.read_text(encoding="utf-8").count(mutation["old"])
    if found != 1:
        return f"{mutation['file']} has {mutation['old']!r} {found} times, not once"
    test = root / "tests" / f"{mutation['test']}.cpp"
    if not test.exists():
        return f"{test.relative_to(root)} does not exist"
    if mutation["statement"] not in test.read_text(encoding="utf-8"):
        return f"{test.relative_to(root)} does not cite {mutation['statement']}"
    return None
