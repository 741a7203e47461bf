"""The budgets: what each operation took when it was last written down, must not exceed, and may aim
at, beside what other kernels take for the same work. `budgets.json` has a line for each; README.md
shows them, and `tests/tests/budgets.rs` holds Orbital to them.

    name       of the figure in results.json
    what       for a person: the row's name in the README
    figure     what it took
    must, aim  not more than that; "must_of": not more than 1.05 times what that row takes
    less       is taken off what was measured: of a sleep only the lateness counts
    operation, memory, append
               what `bench` runs, on a machine of its own, with that memory and kernel command line
"""

import json
from pathlib import Path

_FILE = Path(__file__).parent / "budgets.json"
ROWS = json.loads(_FILE.read_text())


def figure(row: dict, results: dict) -> float | None:
    """What these results of a system have for a row: a distribution's median, or a value."""
    for kind in ("dist", "value"):
        if found := results.get(kind, {}).get(row["name"]):
            return round(found["med"] - row.get("less", 0), 2)
    return None


def update(results: dict) -> None:
    """Writes down what was measured."""
    for row in ROWS:
        if (now := figure(row, results)) is not None:
            row["figure"] = now
    _FILE.write_text("[\n" + ",\n".join("  " + json.dumps(row) for row in ROWS) + "\n]\n")
