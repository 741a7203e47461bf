"""The table: Orbital beside its budgets and what other kernels take for the same work."""

from pathlib import Path

import budgets

_README = Path(__file__).parents[2] / "README.md"
PEERS = ["floor", "seL4", "Linux 6.1", "xv6"]
# What the Linux guest calls the same work, at its cheapest.
LINUX_NAMES = {
    **{f"yield_{count}": f"yield_fifo_{count}" for count in (2, 10, 100, 1000)},
    "spawn_exit_wait": "spawn_vfork_exec_wait",
    "sleep_1ms": "sleep_1ms_noslack",
    "memory_idle.KiB_per_process": "memory_idle_exec.KiB_per_process",
}
_COUNTED = {"floor": "floor/icount", "Linux 6.1": "linux-tuned/icount"}


def rows(results: dict) -> list[dict]:
    """What there is to show: each budget with the figure of this run, if it has one."""
    found = []
    for row in budgets.ROWS:
        now = budgets.figure(row, results.get("orbital/icount", {}))
        if now is not None:
            found.append({**row, "figure": now})
    return found


def measured_here(peer: str, row: dict, results: dict) -> float | None:
    """What that peer took in this run."""
    known = LINUX_NAMES.get(row["name"], row["name"]) if peer == "Linux 6.1" else row["name"]
    return budgets.figure({**row, "name": known}, results.get(_COUNTED.get(peer), {}))


def show(number: float | None) -> str:
    """A number for a person: no more digits than it deserves."""
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.1f}"


def missed(row: dict, shown: list[dict]) -> bool:
    """Whether the figure is more than it must be."""
    limit = row.get("must")
    if "must_of" in row:
        limit = next((1.05 * other["figure"] for other in shown
                      if other["name"] == row["must_of"] and "figure" in other), None)
    return limit is not None and row["figure"] > limit


def limits(row: dict) -> list[str]:
    """What it must not exceed, and what it aims at."""
    return ["+5 %", "+0"] if "must_of" in row else [show(row.get("must")), show(row.get("aim"))]


def text(results: dict) -> str:
    """The table as aligned text, then what was measured in wall time."""
    here = [peer for peer, label in _COUNTED.items() if label in results]
    head = ["operation", "Orbital", "must", "aim", *PEERS, *(f"{peer} here" for peer in here)]
    lines, shown = [head], rows(results)
    for row in shown:
        mark = " !" if missed(row, shown) else ""
        cells = [row["what"], show(row["figure"]) + mark, *limits(row)]
        cells += [show(row.get(peer)) for peer in PEERS]
        lines.append(cells + [show(measured_here(peer, row, results)) for peer in here])
    aligned = _aligned(lines)
    if any("!" in line for line in aligned):
        aligned.append("!: more than it must be")
    aligned += [f"not measured: {name}: {why}"
                for name, why in results.get("orbital/icount", {}).get("skipped", {}).items()]
    return "\n".join(aligned + _wall(results))


def markdown(shown: list[dict]) -> list[str]:
    """The table of the README. Bold is more than it must be."""
    lines = [["operation", "Orbital", "must", "aim", *PEERS], ["---"] * (4 + len(PEERS))]
    for row in shown:
        if "figure" in row:
            ours = f"**{show(row['figure'])}**" if missed(row, shown) else show(row["figure"])
            lines.append([row["what"], ours, *limits(row), *(show(row.get(peer)) for peer in PEERS)])
    return ["| " + " | ".join(line) + " |" for line in lines]


def update_readme() -> None:
    """Puts the table of what is written down into the README."""
    lines = _README.read_text().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("| operation | Orbital |"))
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    lines[start:end] = markdown(budgets.ROWS)
    _README.write_text("\n".join(lines) + "\n")


def _aligned(lines: list[list[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = ["  ".join(cell.rjust(width) if column else cell.ljust(width)
                       for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
             for line in lines]
    shown.insert(1, "-" * max(map(len, shown)))
    return shown


_TIMED = {"floor": "floor/wall", "Linux": "linux-tuned/wall"}
# In wall time the floor is compared with all that a kernel needs: stacks, dispatch, FPU and AVX state.
_FLOOR_NAMES = {
    **{f"yield_{count}": f"yield_full_{count}" for count in (2, 10, 100, 1000)},
    "yield_same_space": None,
}
# A yield switch in microseconds, as it must be where the floor that saves by FXSAVE takes as long: on
# another machine the ratio is what holds.
_MUST, _REFERENCE = 4.0, 2.9
_RATES = {"switches_per_second": "switches a second",
          "switches_per_second_untraced": "switches a second with trace=0"}


def _wall(results: dict) -> list[str]:
    """Orbital in nanoseconds, and how many times as long others take in this run: by the least of the
    samples, in which the host did nothing else."""
    ours = results.get("orbital/wall")
    if ours is None:
        return []
    peers = {name: results[label]["dist"] for name, label in _TIMED.items() if label in results}
    lines = [["wall time, ns", "median", "least", *(f"{name} takes" for name in peers)]]
    for name, figure in ours["dist"].items():
        if name.startswith(("calib", "rdtsc")):
            continue
        cells = [name, show(figure["med"]), show(figure["min"])]
        for peer, theirs in peers.items():
            known = _FLOOR_NAMES if peer == "floor" else LINUX_NAMES
            other = theirs.get(known.get(name, name))
            cells.append(f"{other['min'] / figure['min']:.2f} times" if other else "")
        lines.append(cells)
    said = ["", *_aligned(lines)]
    if floor := peers.get("floor", {}).get("yield_fxsave_2"):
        said.append(_ratio(ours["dist"]["yield_2"]["min"], floor["min"]))
    said += [f"{what}: {show(ours['value'][name]['med'])}" for name, what in _RATES.items()]
    if boot := ours.get("boot_wall_s"):
        said.append(f"QEMU's start to the first prompt: {boot['med']:.2f} s")
    return said


def _ratio(ours: float, floor: float) -> str:
    """What a yield switch must take, on this machine."""
    ratio, must = ours / floor, _MUST / _REFERENCE
    mark = " !" if ratio > must else ""
    return (f"yield switch, least: {show(ours)} ns, {ratio:.2f} times the floor that saves by FXSAVE "
            f"({show(floor)} ns); must be at most {must:.2f} times ({_MUST:g} where it takes "
            f"{_REFERENCE:g} µs), here {show(must * floor)} ns{mark}")
