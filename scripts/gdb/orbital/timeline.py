"""The switches as a Chrome trace-event file, which Perfetto and chrome://tracing show.

Format: "Trace Event Format", Google. Each slice is one stay of a task on a CPU, from the switch to
it until the next switch of that CPU; the last switch opens a slice whose end is not known, so it is
left out. Slices are shown twice: on the CPU's track and on the task's.
"""

from typing import Callable, Iterable

from .kernel import Switch

CPUS, TASKS = 1, 2


def trace_events(
    switches: list[Switch], micros: Callable[[int], float], names: dict[int, str]
) -> dict:
    """What goes into the file; `micros` turns the clock's ticks into microseconds."""
    events = [_named("process_name", CPUS, 0, "CPUs"), _named("process_name", TASKS, 0, "tasks")]
    pids = {pid for switch in switches for pid in (switch.source, switch.target)}
    events += [_named("thread_name", TASKS, pid, _label(pid, names)) for pid in sorted(pids)]
    for cpu in sorted({switch.cpu for switch in switches}):
        events.append(_named("thread_name", CPUS, cpu, f"CPU {cpu}"))
        events += _slices([s for s in switches if s.cpu == cpu], micros, names)
    return {"displayTimeUnit": "ns", "traceEvents": events}


def _slices(
    switches: list[Switch], micros: Callable[[int], float], names: dict[int, str]
) -> Iterable[dict]:
    for start, end in zip(switches, switches[1:]):
        begin, finish = round(micros(start.time), 3), round(micros(end.time), 3)
        slice_ = {
            "ph": "X",
            "name": _label(start.target, names),
            "ts": begin,
            "dur": round(finish - begin, 3),
            "args": {"switch": start.number, "pid": start.target, "left": end.why},
        }
        yield {**slice_, "pid": CPUS, "tid": start.cpu}
        yield {**slice_, "pid": TASKS, "tid": start.target}


def _named(what: str, pid: int, tid: int, name: str) -> dict:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": name}}


def _label(pid: int, names: dict[int, str]) -> str:
    return f"{names[pid]} ({pid})" if pid in names else f"pid {pid}"
