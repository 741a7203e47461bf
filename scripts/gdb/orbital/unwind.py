"""Where a task is that is not on the CPU: the state in which the switch left it."""

import os
import shlex
import subprocess

import gdb

from . import corefile, layout, paging, session
from .kernel import CALLEE_SAVED, PAGE, Kernel, Task, Unreadable

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A program's stack and heap are small; what is beyond this many pages a backtrace does not need.
_PAGES = 256


def stack_and_place(view: Kernel, task: Task, on_cpu: bool) -> tuple[str, str]:
    """Bytes of kernel stack in use, and where the task is."""
    frame = view.frame(task.context)
    if on_cpu:
        rsp, where = session.register("rsp"), session.register("rip")
    else:
        rsp = view.context(task.context)["rsp"]
        where = frame["rip"] if frame else view.word(rsp)
    stack = view.stack_of(rsp)
    used = str(stack.stop - rsp) if stack else "0"
    return used, session.place(view, where, task.context)


def registers(view: Kernel, task: Task) -> dict[str, int]:
    """The CPU as it will be where the switch to the task is over."""
    state = view.context(task.context)
    at_exit = not any(name in state for name in CALLEE_SAVED)
    label = "resume_at_exit" if at_exit else "return_in_kernel"
    return {**state, "rip": session.kernel_elf().address_of(label)}


def core(view: Kernel, task: Task) -> bytes:
    """The task as a core file: registers, kernel stack, offset table, its program's memory."""
    state = registers(view, task)
    stack = view.stack_of(state["rsp"])
    start = state["rsp"] & -PAGE
    table = session.kernel_elf().address_of(layout.SYMBOL)
    pieces = [
        (start, view.memory(start, stack.stop - start)),
        (table, view.memory(table, layout.size(view.at))),
    ]
    frame = view.frame(task.context)
    program = session.program_of(view, task.context)
    if frame:
        known = set()
        wanted = [frame["rsp"], frame["rip"]]
        wanted += [s.address for s in program.sections if s.address] if program else []
        for address in wanted:
            for page, content in paging.pages_from(view, state["cr3"], address, _PAGES):
                if page in known:
                    break
                known.add(page)
                pieces.append((page, content))
    return corefile.core_file(state, pieces)


def backtrace(view: Kernel, task: Task) -> str:
    """gdb's backtrace of the task, from a core file of it."""
    try:
        content = core(view, task)
    except Unreadable as error:
        raise gdb.GdbError(f"pid {task.pid}: {error}") from error
    program = session.program_of(view, task.context)
    # It is in memory alone, and goes with this gdb, whatever interrupts it.
    with open(os.memfd_create("core"), "wb") as file:
        file.write(content)
        file.flush()
        commands = ["set width 0", f"source {_HERE}/main.py"]
        if program:
            commands.append(f"add-symbol-file {shlex.quote(program.path)}")
        commands += [f"core-file /proc/{os.getpid()}/fd/{file.fileno()}", "bt"]
        words = ["setpriv", "--pdeathsig", "KILL", "gdb", "-q", "-nx", "-batch"]
        for command in commands:
            words += ["-ex", command]
        words.append(session.kernel_elf().path)
        answer = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    # The first frame is shown twice: when the core file is opened, and by bt.
    _, found, frames = answer.stdout.rpartition("\n#0 ")
    if not found:
        raise gdb.GdbError(f"pid {task.pid}: no backtrace: {answer.stderr.strip()}")
    return f"#0 {frames}"
