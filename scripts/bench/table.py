"""The table: Orbital beside its budgets and what other kernels take for the same work."""

import json
from pathlib import Path

BUDGETS = json.loads((Path(__file__).parent / "budgets.json").read_text())
PEERS = ["floor", "seL4", "Linux 6.1", "xv6"]


def value_of(results: dict, label: str, name: str) -> float | None:
    """The figure of that name, a distribution's median or a value."""
    summary = results.get(label, {})
    if name in summary.get("dist", {}):
        return summary["dist"][name]["med"]
    if name in summary.get("value", {}):
        return summary["value"][name]["med"]
    return None


def rows(results: dict) -> list[dict]:
    """What there is to show: each budget with the figure of this run, if it has one."""
    found = []
    for budget in BUDGETS:
        figure = value_of(results, "orbital/icount", budget["name"])
        if figure is not None:
            found.append({**budget, "now": figure})
    return found


def show(number: float | None) -> str:
    """A number for a person: no more digits than it deserves."""
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 100 or number == int(number) else f"{number:,.1f}"


def text(results: dict) -> str:
    """The table as aligned text, then what was measured in wall time."""
    peer = "Linux here" if "linux-tuned/icount" in results else None
    head = ["operation", "unit", "Orbital", "must", "aim", *PEERS] + ([peer] if peer else [])
    lines = [head]
    for row in rows(results):
        here = value_of(results, "linux-tuned/icount", LINUX_NAMES.get(row["name"], row["name"]))
        missed = "must" in row and row["now"] > row["must"]
        lines.append([
            row["what"], row["unit"], show(row["now"]) + (" !" if missed else ""),
            show(row.get("must")), show(row.get("aim")), *(show(row.get(peer)) for peer in PEERS),
        ] + ([show(here)] if peer else []))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    shown = ["  ".join(cell.ljust(width) if column < 2 else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(line, widths)))
             for line in lines]
    shown.insert(1, "-" * len(shown[0]))
    if any("!" in line for line in shown):
        shown.append("!: more than it must be")
    return "\n".join(shown + _wall(results))


# What the Linux guest calls the same work, at its cheapest.
LINUX_NAMES = {
    **{f"yield_{count}": f"yield_fifo_{count}" for count in (2, 10, 100, 1000)},
    "spawn_exit_wait": "spawn_vfork_exec_wait",
    "sleep_1ms": "sleep_1ms_noslack",
    "memory_idle.KiB_per_process": "memory_idle_exec.KiB_per_process",
}


def _wall(results: dict) -> list[str]:
    """Ratios between systems in this run, and what else the wall clock says of Orbital."""
    lines = []
    for name in ("syscall_getpid", "yield_2", "yield_same_space", "preempt_switch", "spawn_exit_wait"):
        ours = value_of(results, "orbital/wall", name)
        theirs = value_of(results, "linux-tuned/wall", LINUX_NAMES.get(name, name))
        if ours and theirs:
            lines.append(f"wall time, {name}: Linux takes {theirs / ours:.1f} times as long")
    for name, what in WALL_VALUES.items():
        if (value := value_of(results, "orbital/wall", name)) is not None:
            lines.append(f"{what}: {show(value)}")
    return lines


WALL_VALUES = {
    "boot.prompt_ms": "QEMU's start to the first prompt, ms",
    "switches_per_second": "switches a second, traced",
    "switches_per_second_untraced": "switches a second, with trace=0",
    "image_bytes": "kernel and programs, bytes",
}
