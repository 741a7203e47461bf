"""Unwinds at very many places, inside gdb: each trace has to end at a root.

A root is a program's `_start`, the first function of a kernel task, or the boot code that idles. A
trace may be cut at an entry only where the memory above it is not the CPU's: between `mov cr3` and
the change of stacks, and once a task that ends has left its address space. The argument `code` of
inferior's functions is the pid of the process.
"""

import collections
import contextlib
import random
import re
import socket
import threading

import gdb
from orbital import frames, programs, session

ROOTS = re.compile(r"_start$|kernel_task_entry$|kernel_task_not_started$|__impl_start$")
BAD = re.compile(r"corrupt stack|\?\?|Cannot access|Backtrace stopped")
USER_END = 1 << 47


class Tally:
    """What was found at all places."""

    def __init__(self):
        self.ends = collections.Counter()
        self.arguments = 0
        self.innermost = set()
        self.bad = []
        self.bad_count = 0
        # The frames of the place before, and where they ended.
        self.known, self.known_end, self.tables = set(), "", 0

    def look(self, thorough):
        """Walks up from where the CPU is: to the root, or to a frame of the place before."""
        tables = session.register("cr3")
        if thorough or tables != self.tables:
            self.known, self.tables = set(), tables
        frame = gdb.newest_frame()
        self.innermost.add(frame.name())
        end = self.end_of(frame)
        self.ends[end.split(":")[0]] += 1
        text = ""
        if thorough or end.startswith("bad"):
            text = gdb.execute("bt -frame-arguments none", to_string=True)
        if end.startswith("bad") or BAD.search(text):
            self.bad_count += 1
            if len(self.bad) < 3:
                here = gdb.execute("x/i $pc", to_string=True)
                self.bad.append(f"{end}\n{here}{text}")

    def end_of(self, frame):
        """Which root a frame leads to."""
        met = set()
        end = self.walk(frame, met)
        self.known, self.known_end = (set() if end.startswith("cut") else met), end
        return end

    def walk(self, frame, met):
        innermost = frame.name()
        try:
            while (older := frame.older()) is not None:
                place = older.pc(), int(older.read_register("rsp"))
                if place in self.known:
                    met |= self.known
                    return self.known_end
                met.add(place)
                if (wrong := self.argument_of(older)) is not None:
                    return f"bad: {older.name()} of pid {gdb.parse_and_eval('$orbital_pid()')} has {wrong}"
                if frame.type() == gdb.SIGTRAMP_FRAME and older.pc() < USER_END:
                    if not frames._memory_is_there(older):
                        return cut(innermost)
                frame = older
        except gdb.error as error:
            return f"bad: {error}"
        reason = frame.unwind_stop_reason()
        if reason not in (gdb.FRAME_UNWIND_OUTERMOST, gdb.FRAME_UNWIND_NO_REASON):
            return f"bad: {gdb.frame_stop_reason_string(reason)} at {frame.name()}"
        if not ROOTS.search(frame.name() or "?"):
            return f"bad: ends in {frame.name()}"
        return "program" if frame.pc() < USER_END else "kernel"

    def argument_of(self, frame):
        """What is wrong with it; None if nothing is, or there is none."""
        if frame.name() != "inferior::middle":
            return None
        self.arguments += 1
        code = frame.read_var("code")
        return None if code == gdb.parse_and_eval("$orbital_pid()") else f"code={code}"

    def report(self, what):
        """One line for the test, and the first bad traces."""
        ends = {**self.ends, "arguments": self.arguments} if self.arguments else self.ends
        seen = ", ".join(f"{end} {count}" for end, count in sorted(ends.items()))
        print(f"{what}: {sum(self.ends.values())} places, {self.bad_count} bad; {seen}")
        print("through: " + " ".join(sorted(name or "?" for name in self.innermost)))
        for trace in self.bad:
            print(trace)


def cut(innermost):
    view = session.kernel()
    task = session.task_on_cpu(view)
    if innermost == "switch_context":
        return "cut in the switch"
    left = task and view.word(task.context + view.at["context.cr3"]) == session.register("cr3")
    return "cut after leaving" if left else f"bad: cut in {innermost}"


def resume(packet):
    """Lets the machine go until it stops; gdb's own commands take three times as long."""
    gdb.execute(f"maintenance packet {packet}:p1.1", to_string=True)
    gdb.execute("maintenance flush register-cache", to_string=True)
    gdb.execute("maintenance flush dcache", to_string=True)


def step(count, what):
    """Single-steps, looking at every instruction."""
    tally = Tally()
    for number in range(count):
        resume("vCont;s")
        tally.look(number % 50 == 0)
    tally.report(what)


def moments(count, seed, monitor):
    """Lets the machine run for short random times, looking where it stops."""
    tally = Tally()
    chance = random.Random(seed)
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(monitor)
        for _ in range(count):
            with stopping(line, chance.uniform(0.0005, 0.004)):
                resume("vCont;c")
            programs.load(programs.on_cpu())
            tally.look(True)
    tally.report("random moments")


@contextlib.contextmanager
def stopping(monitor, delay):
    """Stops the machine once, by QEMU's monitor: a Ctrl-C of gdb's that comes too early is lost, and
    a second one makes gdb give up, while a monitor can be told again."""
    stopped = threading.Event()

    def stop():
        wait = delay
        while not stopped.wait(wait):
            monitor.sendall(b"stop\n")
            monitor.recv(1 << 16)
            wait = 0.1

    stopper = threading.Thread(target=stop)
    stopper.start()
    yield
    stopped.set()
    stopper.join()
