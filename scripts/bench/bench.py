"""Measures Orbital, and on request its peers, on the same emulated machine; see bench.sh.

    bench.py [--peer linux] [--peer floor] [--out DIR] [OPERATION..]
    bench.py --update
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import budgets
import chart
import floor
import linux
import machine
import orbital
import summary
import table

WALL_RUNS = 5
# What is compared in wall time: long enough to rise out of the noise.
WALL_OPERATIONS = ["calibration", "syscall_getpid", "yield_2", "yield_10", "yield_100", "yield_1000",
                   "yield_same_space", "spawn_exit_wait"]
PEERS = {"linux": linux.measure, "floor": floor.measure}


def note(text: str) -> None:
    """Says what is going on."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def counted(scratch: Path, operations: list[str]) -> dict:
    """The deterministic part: twice, then once each what needs a machine of its own."""
    alone = {row["name"]: row for row in budgets.ROWS if "operation" in row}
    together = [name for name in operations if name not in alone]
    parts = []
    if together or not operations:
        note("Orbital, counting instructions")
        parts.append(summary.of([orbital.bench(scratch, together, True) for _ in range(2)]))
    for name, row in alone.items():
        if not operations or name in operations:
            note(f"Orbital, {name}")
            run = orbital.bench(scratch, [row["operation"]], True, row.get("memory", 256),
                                row.get("append", ""))
            run.rename(row["operation"], name)
            parts.append(summary.of([run]))
    result = parts[0]
    for more in parts[1:]:
        result["dist"].update(more["dist"])
        result["value"].update(more["value"])
    if not operations:
        note("Orbital, the smallest memory that boots")
        known = next(row["figure"] for row in budgets.ROWS if row["name"] == "boot.smallest_MiB")
        least = orbital.smallest_memory(scratch, int(known))
        if least is not None:
            result["value"]["boot.smallest_MiB"] = summary.spread([least])
        for name, size in orbital.sizes().items():
            result["value"][name] = summary.spread([size])
    return result


def timed(scratch: Path) -> dict:
    """The part in wall time: medians of several runs, to be compared within this run only."""
    note(f"Orbital, wall time, {WALL_RUNS} runs")
    runs, untraced, boots = [], [], []
    for _ in range(WALL_RUNS):
        # By turns: whatever else the host does meets all of them.
        runs.append(orbital.bench(scratch, WALL_OPERATIONS, False))
        without = orbital.bench(scratch, ["calibration", "yield_2"], False, extra="trace=0")
        without.rename("yield_2", "yield_2_untraced")
        untraced.append(without)
        boots.append(orbital.seconds_to_prompt(scratch))
    result = summary.of(runs)
    result["dist"]["yield_2_untraced"] = summary.of(untraced)["dist"]["yield_2_untraced"]
    for name, of in [("switches_per_second", "yield_2"),
                     ("switches_per_second_untraced", "yield_2_untraced")]:
        result["value"][name] = summary.spread([1e9 / med for med in result["dist"][of]["run_meds"]])
    if None not in boots:
        result["boot_wall_s"] = summary.spread(boots)
    return result


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=PEERS, action="append", default=[],
                        help="measure this system as well")
    parser.add_argument("--out", type=Path, help="write results.json, table.txt and chart.svg here")
    parser.add_argument("--update", action="store_true",
                        help="count only, and write the figures into budgets.json and README.md")
    parser.add_argument("operations", nargs="*", metavar="OPERATION",
                        help="only these, counted in instructions (see bench list in a shell)")
    return parser.parse_args()


def main() -> int:
    """Measures, prints the table, and writes what was found."""
    options = arguments()
    results = {}
    with tempfile.TemporaryDirectory(prefix="orbital-bench.") as name:
        scratch = Path(name)
        try:
            results["orbital/icount"] = counted(scratch, options.operations)
            if not options.operations and not options.update:
                results["orbital/wall"] = timed(scratch)
            for peer in options.peer:
                try:
                    results.update(PEERS[peer](scratch, note))
                except machine.NotThere as missing:
                    note(f"{peer} is not measured: {missing}")
        except machine.Refused as refused:
            print(f"bench: refused: {refused}", file=sys.stderr)
            return 1
    shown = table.text(results)
    print(shown)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps(results, indent=1, sort_keys=True)
        (options.out / "results.json").write_text(text + "\n")
        (options.out / "table.txt").write_text(shown + "\n")
        (options.out / "chart.svg").write_text(chart.svg(results))
        note(f"written: {options.out}/results.json table.txt chart.svg")
    if options.update:
        budgets.update(results["orbital/icount"])
        table.update_readme()
        note("updated: scripts/bench/budgets.json README.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
