"""How backtraces look: entry frames by name, and no frame of a program whose memory is not there.

gdb prints `<signal handler called>` for every frame with CFI's signal mark. Here such a frame reads
`<syscall_entry: from ring 3>`. Between `mov cr3` and the change of stacks in switch_context, and
after a task that ends has left its address space, the frames above the entry lie in memory that is
not the CPU's now: gdb would read another program's bytes there, so the trace ends with the entry,
which says so.
"""

import itertools

import gdb
from gdb.FrameDecorator import FrameDecorator

from . import paging, session
from .kernel import USER_END, Unreadable


_WAYS_OUT = ("trap_exit", "interrupt_exit")


class Plain(FrameDecorator):
    """Any other frame: with its source line, or with none, and `??` where no function is known."""

    def function(self):
        return self.inferior_frame().name() or "??"

    def filename(self):
        table = self.inferior_frame().find_sal().symtab
        return table and table.filename


class Entry(FrameDecorator):
    """A frame in which the CPU came into the kernel."""

    def __init__(self, base, way, note):
        super().__init__(base)
        self._way, self._note = way, note

    def function(self):
        return f"<{self._way}: {self._note}>"

    def frame_args(self):
        return None

    def address(self):
        return None


class Orbital:
    """The filter that gdb's `bt` uses."""

    name = "orbital"
    priority = 100
    enabled = True

    def filter(self, frames):
        return itertools.chain.from_iterable(_until_cut(frames))


def _until_cut(frames):
    for decorated in frames:
        frame = decorated.inferior_frame()
        if frame.type() != gdb.SIGTRAMP_FRAME:
            yield [Plain(decorated)]
            continue
        older, way = frame.older(), _way_in(frame)
        if older is None or _in_kernel(older, way):
            lost = older is not None and older.name() is None
            yield [Entry(decorated, way, "from ring 0" + ", where there is no function" * lost)]
            if lost:
                return
        elif _memory_is_there(older):
            out = way in _WAYS_OUT
            yield [Entry(decorated, way, "back to ring 3" if out else "from ring 3")]
        else:
            yield [Entry(decorated, way, "from ring 3, in memory that is not mapped now")]
            return


def _in_kernel(interrupted: gdb.Frame, way: str) -> bool:
    """Whether the CPU was in ring 0 before an entry; also if it had jumped out of the kernel."""
    if interrupted.pc() >= USER_END:
        return True
    # A system call comes without a selector on the stack, and the way out takes it off again.
    known = way not in ("syscall_entry", *_WAYS_OUT)
    return known and int(interrupted.read_register("cs")) & 3 == 0


def _way_in(entry: gdb.Frame) -> str:
    """The name of the stub through which the CPU came, as `break` knows it."""
    name = entry.name() or f"{entry.pc():#x}"
    try:
        view = session.kernel()
        if entry.level() == 0:
            return name
        # Whoever was called from here stands right below the TrapFrame.
        frame = int(entry.read_register("rsp"))
        vector = view.word(frame + view.at["frame.vector"])
    except (gdb.error, gdb.GdbError, Unreadable):
        return name
    if vector < 256:
        # A task that has not run yet is about to leave by the common way out.
        return name if name in _WAYS_OUT else f"vector_{vector:02x}"
    return "syscall_entry"


def _memory_is_there(program: gdb.Frame) -> bool:
    """Whether the stack of a program's frame is in the CPU's page tables, and the frame's own."""
    if session.tasks_are_inferiors():
        return True  # Each is seen in its own page tables.
    try:
        in_force = session.register("cr3")
        view = session.kernel()
        cr3 = view.word(session.context_on_cpu(view) + view.at["context.cr3"])
        rsp = int(program.read_register("rsp"))
        return cr3 == in_force and paging.physical(view, cr3, rsp) is not None
    except (ValueError, gdb.error, gdb.GdbError, Unreadable):
        return True  # A core file has no CR3: nothing says that it is not.


def install() -> None:
    """Puts the filter in force."""
    gdb.frame_filters[Orbital.name] = Orbital()
