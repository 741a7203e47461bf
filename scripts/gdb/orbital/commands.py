"""`orbital` and its commands that show: ps, regs, bt, policy, queue."""

import gdb

from . import scheduler, session, unwind
from .kernel import Kernel, Task


class Orbital(gdb.Command):
    """Look into an Orbital kernel: its tasks, its switches, its scheduler.

They work on a running machine that is stopped, after a panic and on a core dump. They read memory
and change nothing, but for break-switch, which sets the kernel's filter for that breakpoint.
`help orbital COMMAND` explains each. $orbital_pid() is the pid on the CPU, for conditions:
    break FUNCTION if $orbital_pid() == 2"""

    def __init__(self):
        super().__init__("orbital", gdb.COMMAND_STATUS, prefix=True)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError(f"no command {argument.split()[0]!r} (help orbital lists them)")
        gdb.execute("help orbital")


def usage(command: gdb.Command) -> gdb.GdbError:
    """How it is used, as an error."""
    return gdb.GdbError(command.__doc__.splitlines()[-1].strip().replace("Usage", "usage"))


class Show(gdb.Command):
    """A command that reads the kernel's tables."""

    NAME = ""

    def __init__(self):
        super().__init__(f"orbital {self.NAME}", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        self.show(session.kernel(), gdb.string_to_argv(argument))

    def show(self, view: Kernel, words: list[str]) -> None:
        """Prints what was asked for."""
        raise NotImplementedError

    def only(self, words: list[str], most: int, least: int = 0) -> None:
        """Refuses too many or too few words."""
        if not least <= len(words) <= most:
            raise usage(self)


class OfTask(Show):
    """A command about one task."""

    def complete(self, text, word):
        try:
            pids = [str(task.pid) for task in session.kernel().tasks()]
        except (gdb.error, gdb.GdbError):
            return []
        return [pid for pid in pids if pid.startswith(word)]


class Ps(Show):
    """List the tasks: who they are, what they do or wait for, and where they are.

SWITCHES counts how often a task left the CPU, KSTACK the bytes of its kernel stack that are in use.
WHERE is the program's instruction, for a task of the kernel where it called the switch.
The task on the CPU has a star.
Usage: orbital ps"""

    NAME = "ps"

    def show(self, view, words):
        self.only(words, 0)
        on_cpu = session.context_on_cpu(view)
        print("    PID NAME             STATUS           SWITCHES KSTACK WHERE")
        for task in view.tasks():
            here = task.context == on_cpu
            stack, where = ("", "") if task.ended else unwind.stack_and_place(view, task, here)
            print(
                f"{'*' if here else ' '} {task.pid:>5} {task.name:<16} {task.status:<16} "
                f"{task.switches:>8} {stack:>6} {where}".rstrip()
            )
        if on_cpu == view.idle():
            print("*   CPU is idle")


class Regs(OfTask):
    """Show the registers of a task.

Those of its program are in the frame of its last entry into the kernel, or in the CPU while it runs
in ring 3; those of its kernel side are in its TaskContext, or in the CPU while it runs.
Usage: orbital regs PID"""

    NAME = "regs"

    def show(self, view, words):
        self.only(words, 1, 1)
        task = session.find(view, words[0])
        if task.ended:
            raise gdb.GdbError(f"pid {task.pid} has ended: it has no registers")
        print(f"pid {task.pid} ({task.name}), {task.status}")
        here = task.context == session.context_on_cpu(view)
        if here and session.in_ring_3():
            print("on the CPU, in ring 3: info registers shows them")
            return
        frame = view.frame(task.context)
        if frame:
            print("program, as it entered the kernel:")
            _print_registers(frame, session.place(view, frame["rip"], task.context))
        if here:
            print("kernel side: on the CPU, info registers shows them")
            return
        context = view.context(task.context)
        print(f"kernel side, in the TaskContext at {task.context:#x}:")
        _print_registers(context, "")


def _print_registers(registers: dict[str, int], rip: str) -> None:
    column = 0
    for name, value in registers.items():
        print(f"  {name:<9} {value:#018x}", end="")
        if name == "rip":
            print(f"  <{rip}>", end="")
        column = 0 if name == "rip" else (column + 1) % 3
        print("" if column else "\n", end="")
    print("\n" if column else "", end="")


class Bt(OfTask):
    """Show how a task came to where it is, through the kernel into its program.

Of a task that is not on the CPU the frames start at the switch that took the CPU from it.
Usage: orbital bt PID"""

    NAME = "bt"

    def show(self, view, words):
        self.only(words, 1, 1)
        task: Task = session.find(view, words[0])
        if task.ended:
            raise gdb.GdbError(f"pid {task.pid} has ended: it has no stack")
        if task.context == session.context_on_cpu(view):
            with session.cpu():
                gdb.execute("bt")
        else:
            print(unwind.backtrace(view, task), end="")


class Policy(Show):
    """Show the scheduling policy, its quantum, and how many tasks are ready.
Usage: orbital policy"""

    NAME = "policy"

    def show(self, view, words):
        self.only(words, 0)
        quantum = view.word(view.at["quantum.nanos"]) / 1e6
        ready = view.word(view.at["table.ready"])
        print(f"policy {scheduler.policy(view)}, quantum {quantum:g} ms, {ready} ready")


class Queue(Show):
    """List the ready tasks in the order in which the policy would pick them.

A policy that goes by a key shows the keys, least first; tasks with the same key come in any order.
One that has no order, such as seeded, shows the tasks as a set. Ageing of the policy priority may change its order.
Usage: orbital queue"""

    NAME = "queue"

    def show(self, view, words):
        self.only(words, 0)
        tasks = {task.slot: task for task in view.tasks()}
        policy, queues = scheduler.policy(view), scheduler.queues(view)
        if queues is not None:
            rows = [(f"{n + 1}", tasks[slot]) for n, slots in queues for slot in slots]
            order, heading = "first to run first", "LEVEL"
        else:
            ready = [task for task in tasks.values() if task.state == "Ready"]
            rows = [(str(scheduler.record(view, task.slot, "key", 8)), task) for task in ready]
            keyed = f"keyed.{policy}" in view.at
            rows = sorted(rows, key=lambda row: int(row[0])) if keyed else rows
            order, heading = ("least key first" if keyed else "in no order"), "KEY"
        print(f"policy {policy}: {len(rows)} ready, {order}")
        for key, task in rows:
            weight = scheduler.record(view, task.slot, "weight", 4)
            print(f"  {task.pid:>5} {task.name:<16} weight {weight:<6} {heading.lower()} {key}")
