"""A recorded run: who had the CPU when, and what else became of each task.

`read` understands the lines that kernel/src/record.rs writes. `Run.slices` is the run as it was on
the CPUs, `Run.tracks` the same seen from each task, with the time it waited in between.
"""

import bisect
from dataclasses import dataclass, field

LAUNCHER = 0
IDLE = 0x7FFF_FFFE
TERMINAL = 0x7FFF_FFFF


class Incomplete(Exception):
    """The record does not end as one of a machine that was switched off, or panicked."""


@dataclass(frozen=True)
class Switch:
    """`source` gave way to `target`; `why` and `rip` are about `source`. Times: nanoseconds."""

    number: int
    time: int
    cpu: int
    source: int
    target: int
    why: str
    rip: int


@dataclass(frozen=True)
class Effect:
    """`by` did `deed` (started, woken, killed) to `on`."""

    time: int
    cpu: int
    by: int
    on: int
    deed: str


@dataclass(frozen=True)
class Slice:
    """`pid` was in `state` from `start` to `end`; `why` and `rip` say how a running one ended."""

    pid: int
    cpu: int
    start: int
    end: int
    state: str
    why: str = ""
    rip: int = 0
    number: int = 0


@dataclass
class Run:
    """What is known of a run. Times count from anywhere before the first switch; `end` is none of one
    that goes on."""

    names: dict[int, str] = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    lost_switches: int = 0
    lost_effects: int = 0
    end: int | None = None
    slices: list[Slice] = field(init=False)
    tracks: dict[int, list[Slice]] = field(init=False)

    def __post_init__(self):
        self.slices = _slices(self)
        self.tracks = _tracks(self)

    def name(self, pid: int) -> str:
        """The name of a task, or its pid."""
        return "idle" if pid == IDLE else self.names.get(pid, f"pid {pid}")

    def label(self, pid: int) -> str:
        """Name and pid; tasks of the kernel are known by their names."""
        kernel = pid in (LAUNCHER, IDLE, TERMINAL)
        return self.name(pid) if kernel else f"{self.name(pid)} {pid}"

    def pids(self) -> list[int]:
        """Every task that had the CPU: those of the kernel, then programs in order of birth."""
        tasks = {piece.pid for piece in self.slices} - {IDLE}
        return sorted(tasks, key=lambda pid: (pid not in (LAUNCHER, TERMINAL), pid))

    def arrows(self) -> list[tuple[Effect, Slice, Slice]]:
        """Starts and wake-ups, each with the slice it happened in and the one it led to."""
        starts = {pid: [piece.start for piece in track] for pid, track in self._running().items()}
        found = []
        for effect in self.effects:
            source = self._slice_at(starts, effect.by, effect.time)
            target = self._slice_after(starts, effect.on, effect.time)
            if effect.deed != "killed" and source and target:
                found.append((effect, source, target))
        return found

    def _running(self) -> dict[int, list[Slice]]:
        tracks: dict[int, list[Slice]] = {}
        for piece in self.slices:
            tracks.setdefault(piece.pid, []).append(piece)
        self._by_pid = tracks
        return tracks

    def _slice_at(self, starts: dict[int, list[int]], pid: int, time: int) -> Slice | None:
        at = bisect.bisect_right(starts.get(pid, []), time) - 1
        piece = self._by_pid[pid][at] if at >= 0 else None
        return piece if piece and time <= piece.end else None

    def _slice_after(self, starts: dict[int, list[int]], pid: int, time: int) -> Slice | None:
        at = bisect.bisect_left(starts.get(pid, []), time)
        return self._by_pid[pid][at] if pid in self._by_pid and at < len(starts[pid]) else None


def read(path: str) -> Run:
    """Reads a record; time 0 is its first switch. Raises Incomplete if its end is missing."""
    with open(path, encoding="utf-8", errors="replace") as file:
        rows = [line.split() for line in file]
    words = {row[0]: row for row in rows if row}
    if not {"end", "exit"} <= words.keys():
        raise Incomplete(path)
    found: dict = {"names": {}, "switches": [], "effects": []}
    hz = int(words["clock"][1]) or 1
    end = int(words["end"][1])
    first = next((int(row[2]) for row in rows if row[0] == "switch"), end)

    def nanos(ticks: str | int) -> int:
        return (int(ticks) - first) * 1_000_000_000 // hz

    for row in rows:
        match row:
            case ["name", pid, *name]:
                found["names"][int(pid)] = " ".join(name)
            case ["lost", switches, effects]:
                found |= {"lost_switches": int(switches), "lost_effects": int(effects)}
            case ["switch", number, time, cpu, source, target, why, rip]:
                whole = (int(number), nanos(time), int(cpu), int(source), int(target))
                found["switches"].append(Switch(*whole, why, int(rip, 16)))
            case ["effect", _, time, cpu, by, on, deed]:
                found["effects"].append(Effect(nanos(time), int(cpu), int(by), int(on), deed))
    return Run(**found, end=nanos(end))


def _slices(run: Run) -> list[Slice]:
    """What was on the CPUs: one slice for each switch, up to the next one on the same CPU, or to the
    end of the run if that is known."""
    slices, open_on = [], {}

    def close(begun: Switch, end: int, why: str, rip: int) -> None:
        whole = (begun.target, begun.cpu, begun.time, end, "running", why, rip, begun.number)
        slices.append(Slice(*whole))

    for switch in run.switches:
        if begun := open_on.get(switch.cpu):
            close(begun, switch.time, switch.why, switch.rip)
        open_on[switch.cpu] = switch
    for begun in open_on.values() if run.end is not None else ():
        close(begun, run.end, "end", 0)
    return sorted(slices, key=lambda piece: (piece.start, piece.number))


def _tracks(run: Run) -> dict[int, list[Slice]]:
    """Each task's own story: running, blocked, ready, in turns."""
    moments = [(piece.start, 1, piece) for piece in run.slices]
    moments += [(effect.time, 0, effect) for effect in run.effects]
    tracks: dict[int, list[Slice]] = {pid: [] for pid in run.pids()}
    waiting: dict[int, tuple[str, int]] = {}

    def waited(pid: int, until: int) -> None:
        state, since = waiting.pop(pid, ("", until))
        since = max(since, 0)
        if since < until and pid in tracks:
            tracks[pid].append(Slice(pid, 0, since, until, state))

    for time, _, what in sorted(moments, key=lambda moment: moment[:2]):
        if isinstance(what, Effect):
            waited(what.on, time)
            if what.deed != "killed":
                waiting[what.on] = ("ready", time)
        elif what.pid != IDLE:
            waited(what.pid, time)
            tracks[what.pid].append(what)
            if what.why not in ("exited", "killed", "end"):
                state = what.why if what.why.startswith("blocked") else "ready"
                waiting[what.pid] = (state, what.end)
    known = run.end if run.end is not None else max((piece.end for piece in run.slices), default=0)
    for pid in list(waiting):
        waited(pid, known)
    return tracks
