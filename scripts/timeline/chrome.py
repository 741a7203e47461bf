"""A run as Chrome trace events: JSON that Perfetto and chrome://tracing open.

One track for each CPU and one for each task, slices that say why they ended, and an arrow from
whoever started or woke a task to the slice that this led to ("Trace Event Format", Google).
"""

import json

from .run import IDLE, Run, Slice

# What the format calls processes: one group of tracks each.
CPUS, TASKS = 1, 2


def write(run: Run, path: str) -> None:
    """Writes the whole run."""
    events = _names(run)
    for piece in run.slices:
        events.append(_slice(CPUS, piece.cpu, run.label(piece.pid), piece))
    for pid, track in run.tracks.items():
        for piece in track:
            events.append(_slice(TASKS, pid, piece.state, piece))
    for number, (effect, source, target) in enumerate(run.arrows()):
        # An arrow starts inside a slice; the end of a task is the end of its last one.
        start = max(source.start, min(effect.time, source.end - 1))
        arrow = {"cat": "wake-up", "name": effect.deed, "id": number}
        events.append(arrow | {"ph": "s", "ts": start / 1000} | _track(source))
        events.append(arrow | {"ph": "f", "bp": "e", "ts": target.start / 1000} | _track(target))
    lost = {"lost switches": run.lost_switches, "lost effects": run.lost_effects}
    whole = {"traceEvents": events, "displayTimeUnit": "ns", "otherData": lost}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(whole, file, separators=(",", ":"))


def _names(run: Run) -> list[dict]:
    def name(kind: str, pid: int, tid: int, text: str) -> dict:
        return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": {"name": text}}

    cpus = sorted({piece.cpu for piece in run.slices})
    return [
        name("process_name", CPUS, 0, "CPUs"),
        name("process_name", TASKS, 0, "tasks"),
        *(name("thread_name", CPUS, cpu, f"CPU {cpu}") for cpu in cpus),
        *(name("thread_name", TASKS, pid, run.label(pid)) for pid in run.tracks),
    ]


def _slice(group: int, track: int, name: str, piece: Slice) -> dict:
    event = {"ph": "X", "name": name, "cat": piece.state, "pid": group, "tid": track}
    event |= {"ts": piece.start / 1000, "dur": (piece.end - piece.start) / 1000}
    if piece.state == "running":
        event["args"] = {"pid": piece.pid, "switch": piece.number}
        event["args"] |= {"why": piece.why, "rip": hex(piece.rip)}
    return event


def _track(piece: Slice) -> dict:
    """Where an arrow's end is: the idle loop is seen on its CPU only."""
    idle = piece.pid == IDLE
    return {"pid": CPUS, "tid": piece.cpu} if idle else {"pid": TASKS, "tid": piece.pid}
