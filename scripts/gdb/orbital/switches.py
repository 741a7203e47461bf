"""`orbital switches`, `timeline` and `break-switch`: what the ring of switches tells."""

import os

import gdb
from timeline import chrome
from timeline.run import Run
from timeline.run import Switch as Gone

from . import session
from .commands import OfTask, Show
from .kernel import Kernel


class Switches(Show):
    """List the last switches, oldest first: when, from whom to whom, why, where.

WHEN is in microseconds since boot, WHERE the instruction of the program that left. pid 0 is the
launcher, and the CPU while it idles. N is how many (default 20), or `all` that are remembered.
Usage: orbital switches [N]"""

    NAME = "switches"

    def show(self, view, words):
        self.only(words, 1)
        tasks = {task.pid: task for task in view.tasks()}
        limit = _count(words[0]) if words else 20
        print("   NUMBER      WHEN(us) FROM                   TO                     WHY            WHERE")
        for switch in view.switches(limit):
            source, target = (_who(tasks, pid) for pid in (switch.source, switch.target))
            task = tasks.get(switch.source)
            where = ""
            if switch.rip:
                known = task and not task.ended
                where = session.place(view, switch.rip, task.context) if known else f"{switch.rip:#x}"
            print(
                f"{switch.number:>9} {view.micros(switch.time):>13.3f} {source:<22} {target:<22} "
                f"{switch.why:<14} {where}".rstrip()
            )


def _count(word: str):
    if word == "all":
        return None
    if not word.isdecimal():
        raise gdb.GdbError(f"how many is a number or `all`, not {word!r}")
    return int(word)


def _who(tasks, pid: int) -> str:
    if pid == 0:
        return "0 -"
    return f"{pid} {tasks[pid].name}" if pid in tasks else str(pid)


class Timeline(Show):
    """Write the switches to a file that Perfetto (ui.perfetto.dev) or chrome://tracing shows.

One track per CPU and one per task. The slices of a CPU are exactly the stays between the switches
that `orbital switches all` lists; the tasks' tracks have the waiting in between, too. Time is that
since boot.
Usage: orbital timeline FILE"""

    NAME = "timeline"

    def __init__(self):
        super().__init__()

    def complete(self, text, word):
        return gdb.COMPLETE_FILENAME

    def show(self, view, words):
        self.only([word for word in words if word], 1, 1)
        run, file = run_of(view), os.path.expanduser(words[0])
        try:
            chrome.write(run, file)
        except OSError as error:
            raise gdb.GdbError(f"cannot write {file}: {error.strerror}") from error
        print(f"{len(run.slices)} slices written to {file}")


def run_of(view: Kernel) -> Run:
    """The switches that the kernel remembers as a run: it is not over, so the last slice is open."""
    switches = [
        Gone(s.number, view.nanos(s.time), s.cpu, s.source, s.target, s.why, s.rip)
        for s in view.switches()
    ]
    names = {task.pid: task.name for task in view.tasks()}
    lost = switches[0].number if switches else 0
    return Run(names=names, switches=switches, lost_switches=lost)


class SwitchBreakpoint(gdb.Breakpoint):
    """Where the kernel calls when a switch passes its filter."""

    def __init__(self, view, source, target):
        super().__init__("orbital_debug_switch")
        self.at = view.at
        any_ = view.at["break.any"]
        _write(view.at["break.from"], any_ if source is None else source)
        _write(view.at["break.to"], any_ if target is None else target)
        self.turn(True)

    def turn(self, on):
        _write(self.at["break.enabled"], int(on), 1)

    def stop(self):
        return _says_between(*(session.register(name) for name in ("rdi", "rsi")))


class ReplayedSwitchBreakpoint(gdb.Breakpoint):
    """Where every switch comes by: nothing is written to a machine that repeats a run."""

    def __init__(self, view, source, target):
        super().__init__("switch_context")
        self.view, self.wanted = view, (source, target)

    def turn(self, on):
        pass

    def stop(self):
        contexts = (session.register(name) for name in ("rdi", "rsi"))
        pids = [self.view.word(context + self.view.at["context.id"]) for context in contexts]
        meant = all(wanted in (None, pid) for wanted, pid in zip(self.wanted, pids))
        return meant and _says_between(*pids)


def _says_between(source, target):
    print(f"about to switch: pid {source} -> pid {target}")
    return True


class BreakSwitch(OfTask):
    """Stop right before the next switch from one pid to another.

The kernel itself compares, so switches that are not meant cost next to nothing (in a replay gdb does,
as nothing may change there). `any` or nothing stands for every pid. There is one such breakpoint; it can be disabled and deleted like any other,
and a new break-switch takes its place.
Usage: orbital break-switch [FROM] [TO]"""

    NAME = "break-switch"

    def __init__(self):
        super().__init__()
        self.breakpoint = None
        gdb.events.breakpoint_modified.connect(self._changed)
        gdb.events.breakpoint_deleted.connect(self._deleted)

    def show(self, view, words):
        self.only(words, 2)
        chosen = [None if word == "any" else _pid(word) for word in words]
        source, target = chosen + [None] * (2 - len(chosen))
        if self.breakpoint:
            self.breakpoint.delete()
        kind = ReplayedSwitchBreakpoint if session.is_replay() else SwitchBreakpoint
        self.breakpoint = kind(view, source, target)

    def _changed(self, breakpoint):
        if breakpoint is self.breakpoint:
            breakpoint.turn(breakpoint.enabled)

    def _deleted(self, breakpoint):
        if breakpoint is self.breakpoint:
            self.breakpoint = None
            breakpoint.turn(False)


def _pid(word: str) -> int:
    if not word.isdecimal():
        raise gdb.GdbError(f"a pid is a number or `any`, not {word!r}")
    if int(word) >= 1 << 32:
        raise gdb.GdbError(f"no task can have pid {word}")
    return int(word)


def _write(address: int, value: int, size: int = 8) -> None:
    gdb.selected_inferior().write_memory(address, value.to_bytes(size, "little"))
