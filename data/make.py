"""Writes the models of data/ that are made from published rules: python3 data/make.py, in the root of the checkout.

Exact rationals throughout; no packages. data/README.md says where the rules come from."""
import json
import pathlib
from fractions import Fraction

DATA = pathlib.Path(__file__).resolve().parent
LEFT, DOWN, RIGHT, UP = range(4)
STEPS = {LEFT: (0, -1), DOWN: (1, 0), RIGHT: (0, 1), UP: (-1, 0)}
MAPS = {
    "4x4": ["SFFF", "FHFH", "FFFH", "HFFG"],
    "8x8": ["SFFFFFFF", "FFFFFFFF", "FFFHFFFF", "FFFFFHFF", "FFFHFFFF", "FHHFFFHF", "FHFFHFHF", "FFFHFFFG"],
}


def number(x):
    x = Fraction(x)
    return int(x) if x.denominator == 1 else f"{x.numerator}/{x.denominator}"


def merged(states, p):
    """[[state, probability]] of states that are reached with p each, duplicates added up."""
    return [[s, number(p * states.count(s))] for s in sorted(set(states))]


def write(name, head, choices):
    lines = ",\n".join("  " + json.dumps(choice) for choice in choices)
    text = json.dumps({"format": "mdp", "version": 1, **head})[:-1] + f',\n "choices": [\n{lines}\n ]}}\n'
    (DATA / name).write_text(text, encoding="utf-8")


def value_polytope():
    """The two-state MDP of figure 2 (d): two actions, rewards and transitions as printed there."""
    reward = {(0, 0): Fraction(-45, 100), (0, 1): Fraction(-1, 10), (1, 0): Fraction(1, 2), (1, 1): Fraction(1, 2)}
    stays = {(0, 0): Fraction(7, 10), (0, 1): Fraction(99, 100), (1, 0): Fraction(1, 5), (1, 1): Fraction(99, 100)}
    choices = [
        {"state": s, "action": f"a{a + 1}", "cost": number(reward[s, a]),
         "to": [[0, number(stays[s, a])], [1, number(1 - stays[s, a])]]}
        for s in (0, 1) for a in (0, 1)
    ]  # fmt: skip
    write("value_polytope.json", {"objective": "maximize", "discount": "9/10", "states": 2}, choices)


def frozen_lake(name):
    """Slippery: a third each for the chosen direction and the two beside it; 1 for entering the goal; holes and the
    goal end the episode."""
    cells = "".join(MAPS[name])
    height, width = len(MAPS[name]), len(MAPS[name][0])

    def moved(state, direction):
        line, column = divmod(state, width)
        down, right = STEPS[direction]
        return min(max(line + down, 0), height - 1) * width + min(max(column + right, 0), width - 1)

    choices = []
    for state, cell in enumerate(cells):
        for action, word in enumerate(("left", "down", "right", "up")):
            if cell == "H":
                to, cost = [[state, 1]], 0
            elif cell == "G":
                continue
            else:
                ends = [moved(state, (action + turn) % 4) for turn in (-1, 0, 1)]
                to = merged(ends, Fraction(1, 3))
                cost = Fraction(sum(cells[s] == "G" for s in ends), 3)
            choices.append({"state": state, "action": word, "cost": number(cost), "to": to})
    head = {"objective": "maximize", "discount": "99/100", "states": len(cells), "initial": [[0, 1]],
            "goal": [cells.index("G")]}
    write(f"frozen_lake_{name}.json", head, choices)


def taxicab():
    """Per town and alternative: probabilities and rewards of a trip to towns A, B, C."""
    table = {
        "A": {"cruise": ("1/2 1/4 1/4", "10 4 8"), "stand": ("1/16 3/4 3/16", "8 2 4"), "radio": ("1/4 1/8 5/8", "4 6 4")},
        "B": {"cruise": ("1/2 0 1/2", "14 0 18"), "stand": ("1/16 7/8 1/16", "8 16 8")},
        "C": {"cruise": ("1/4 1/4 1/2", "10 2 8"), "stand": ("1/8 3/4 1/8", "6 4 2"), "radio": ("3/4 1/16 3/16", "4 0 8")},
    }
    choices = []
    for town, alternatives in table.items():
        for action, (probabilities, rewards) in alternatives.items():
            to = [[next_town, number(p), int(r)]
                  for next_town, p, r in zip("ABC", map(Fraction, probabilities.split()), rewards.split()) if p]
            choices.append({"state": town, "action": action, "to": to})
    write("howard_taxicab.json", {"objective": "maximize", "discount": "9/10", "states": list("ABC")}, choices)


def inventory(capacity=5, lots=(0, 2, 4), sale=3, unit=1, order=2, holding=Fraction(1, 5)):
    """Two products, lost sales; demand of each 0, 1, 2 with probabilities 1/4, 1/2, 1/4."""
    demand = ((0, Fraction(1, 4)), (1, Fraction(1, 2)), (2, Fraction(1, 4)))
    side = capacity + 1

    def product(stock, lot):
        """Cost of a period and the distribution of the stock after it."""
        filled = min(stock + lot, capacity)
        cost = (order if filled > stock else 0) + unit * (filled - stock) + holding * filled
        after = {}
        for units, p in demand:
            cost -= sale * p * min(units, filled)
            after[max(filled - units, 0)] = after.get(max(filled - units, 0), 0) + p
        return cost, after

    choices = []
    for x in range(side):
        for y in range(side):
            for lot_x in lots:
                for lot_y in lots:
                    (cost_x, after_x), (cost_y, after_y) = product(x, lot_x), product(y, lot_y)
                    to = [[a * side + b, number(p * q)] for a, p in sorted(after_x.items()) for b, q in sorted(after_y.items())]
                    choices.append({"state": x * side + y, "action": f"order {lot_x},{lot_y}",
                                    "cost": number(cost_x + cost_y), "to": to})
    names = [f"{x},{y}" for x in range(side) for y in range(side)]
    write("inventory_2d.json", {"objective": "minimize", "discount": "19/20", "states": names}, choices)


if __name__ == "__main__":
    for lake in MAPS:
        frozen_lake(lake)
    taxicab()
    value_polytope()
    inventory()
