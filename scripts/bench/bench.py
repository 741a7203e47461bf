"""Measures Orbital, and on request Linux, on the same emulated machine; see bench.sh.

    bench.py [--peer linux] [--out DIR] [OPERATION..]
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import chart
import linux
import machine
import orbital
import summary
import table

WALL_RUNS = 3
# What is compared in wall time: long enough to rise out of the noise.
WALL_OPERATIONS = ["calibration", "syscall_getpid", "yield_2", "yield_100", "yield_same_space",
                   "preempt_switch", "spawn_exit_wait"]
CROWD_MEMORY = 1024


def note(text: str) -> None:
    """Says what is going on."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def counted(scratch: Path, operations: list[str]) -> dict:
    """The deterministic part: twice, and 10,000 processes once."""
    note("Orbital, counting instructions")
    result = summary.of([orbital.bench(scratch, operations, True) for _ in range(2)])
    for name in ["yield_10000", "idle"]:
        if not operations or name in operations:
            note(f"Orbital, {name}")
            more = summary.of([orbital.bench(scratch, [name], True, CROWD_MEMORY)])
            result["dist"].update(more["dist"])
            result["value"].update(more["value"])
    if not operations:
        note("Orbital, the smallest memory that boots")
        least = orbital.smallest_memory(scratch)
        if least is not None:
            result["value"]["boot.smallest_MiB"] = summary.spread([least])
    return result


def timed(scratch: Path) -> dict:
    """The part in wall time: medians of several runs, to be compared within this run only."""
    note(f"Orbital, wall time, {WALL_RUNS} runs")
    runs = [orbital.bench(scratch, WALL_OPERATIONS, False) for _ in range(WALL_RUNS)]
    result = summary.of(runs)
    untraced = [orbital.bench(scratch, ["calibration", "yield_2"], False, extra="trace=0")
                for _ in range(WALL_RUNS)]
    rate = 1e9 / result["dist"]["yield_2"]["med"]
    result["value"]["switches_per_second"] = summary.spread([rate])
    rate = 1e9 / summary.of(untraced)["dist"]["yield_2"]["med"]
    result["value"]["switches_per_second_untraced"] = summary.spread([rate])
    boots = [orbital.seconds_to_prompt(scratch) for _ in range(WALL_RUNS)]
    times = [seconds * 1000 for seconds in boots if seconds is not None]
    if times:
        result["value"]["boot.prompt_ms"] = summary.spread(times)
        result["boot_wall_s"] = summary.spread([time / 1000 for time in times])
    result["value"]["image_bytes"] = summary.spread([orbital.image_size()])
    return result


def main() -> int:
    """Measures, prints the table, and writes what was found."""
    parser = argparse.ArgumentParser(prog="scripts/bench.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--peer", choices=["linux"], help="measure this system as well")
    parser.add_argument("--out", type=Path, help="write results.json, table.txt and chart.svg here")
    parser.add_argument("operations", nargs="*", metavar="OPERATION",
                        help="only these, counted in instructions (see bench list in a shell)")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory(prefix="orbital-bench.") as name:
        scratch = Path(name)
        try:
            results["orbital/icount"] = counted(scratch, options.operations)
            if not options.operations:
                results["orbital/wall"] = timed(scratch)
        except machine.Refused as refused:
            print(f"bench: refused: {refused}", file=sys.stderr)
            return 1
        if options.peer:
            try:
                results.update(linux.measure(scratch, note))
            except linux.NotThere as missing:
                note(f"Linux is not measured: {missing}")
    shown = table.text(results)
    print(shown)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "results.json").write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
        (options.out / "table.txt").write_text(shown + "\n")
        (options.out / "chart.svg").write_text(chart.svg(results))
        note(f"written: {options.out}/results.json table.txt chart.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
