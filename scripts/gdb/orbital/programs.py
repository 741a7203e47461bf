"""Symbols of the program on the CPU, when gdb talks to the bare machine (`scripts/gdb.sh --plain`).

All programs are linked at the same address, so gdb can have the symbols of one at a time. After
each stop they are those of the task on the CPU, found by the build id in its memory. `orbital break`
sets breakpoints in programs that are not on the CPU.
"""

import shlex
from typing import Optional

import gdb

from . import session
from .commands import usage
from .elf import Elf
from .kernel import USER_END, Unreadable

_loaded: Optional[Elf] = None


def follow() -> None:
    """Loads the symbols of the program on the CPU, now and after each stop."""
    gdb.events.stop.connect(_stopped)
    _stopped(None)


def _stopped(_event) -> None:
    program = on_cpu()
    if program is None or program is _loaded:
        return
    load(program)
    if session.in_ring_3():
        # gdb has shown where it stopped before it knew the names.
        gdb.execute("frame")


def on_cpu() -> Optional[Elf]:
    """The program of the task on the CPU."""
    try:
        view = session.kernel()
        return session.program_of(view, session.context_on_cpu(view))
    except (gdb.error, gdb.GdbError, Unreadable):
        return None


def load(program: Optional[Elf]) -> None:
    """Makes these the only symbols of a program."""
    global _loaded
    if program is _loaded:
        return
    if _loaded:
        gdb.execute(f"remove-symbol-file {shlex.quote(_loaded.path)}", to_string=True)
    _loaded = program
    if program:
        base = session.base_of(session.kernel(), program) if program.movable else 0
        gdb.execute(f"add-symbol-file {shlex.quote(program.path)} -o {base}", to_string=True)


class ProgramBreakpoint(gdb.Breakpoint):
    """A breakpoint at an address that holds for the tasks of one program only."""

    def __init__(self, address: int, program: Elf):
        super().__init__(f"*{address:#x}")
        self.program = program

    def stop(self):
        return on_cpu() is self.program


class Break(gdb.Command):
    """Set a breakpoint in a program, whichever runs now (scripts/gdb.sh --plain only).

LOCATION is as for `break`: a function, or FILE:LINE. Only tasks of that program stop there.
Usage: orbital break PROGRAM LOCATION"""

    def __init__(self):
        super().__init__("orbital break", gdb.COMMAND_BREAKPOINTS)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if session.tasks_are_inferiors():
            raise gdb.GdbError("every process is an inferior here: break sets breakpoints in programs")
        words = argument.split(maxsplit=1)
        if len(words) != 2:
            raise usage(self)
        named = [p for p in session.programs() if p.path.endswith(f"/{words[0]}.elf")]
        if not named:
            raise gdb.GdbError(f"no program {words[0]} (they are target/orbital/*/programs/*.elf)")
        before = _loaded
        try:
            load(named[0])
            _, places = gdb.decode_line(words[1])
            addresses = [place.pc for place in places or () if place.pc < USER_END]
        finally:
            load(before)
        if not addresses:
            raise gdb.GdbError(f"nothing in {words[0]} is called {words[1]}")
        for address in addresses:
            ProgramBreakpoint(address, named[0])

    def complete(self, text, word):
        names = (p.path.rsplit("/", 1)[1][: -len(".elf")] for p in session.programs())
        return [name for name in names if name.startswith(word)] if " " not in text else []
