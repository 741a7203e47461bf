"""What the commands know about the machine gdb looks at: a running one, a frozen one or a dump."""

import glob
import os
import re
import sys
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Iterator, Optional

import gdb

from . import layout, paging
from .elf import Elf, is_build_id, shown
from .kernel import USER_END, Kernel, Task, Unreadable


def memory(address: int, length: int) -> bytes:
    """Bytes of the machine, as gdb's target shows them."""
    if not length:
        return b""
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.MemoryError as error:
        raise Unreadable(f"no memory at {address:#x}") from error


def kernel() -> Kernel:
    """The kernel's tables; one line of error if there are none to see."""
    address = kernel_elf().address_of(layout.SYMBOL)
    if address is None:
        raise gdb.GdbError(f"no symbol {layout.SYMBOL} in {kernel_elf().path}: is it Orbital's kernel?")
    machine = gdb.selected_inferior().connection_num
    if machine not in _layouts:
        check_build()
    try:
        at = layout.read(memory, address, _layouts.get(machine))
    except layout.NotReady as error:
        raise gdb.GdbError(str(error)) from error
    except Unreadable as error:
        raise gdb.GdbError("no kernel is in memory yet: continue first") from error
    _layouts[machine] = at
    return Kernel(memory, at)


# By number of gdb's connection.
_layouts: dict[Optional[int], layout.Layout] = {}


def tasks_are_inferiors() -> bool:
    """Whether gdb looks at the machine through orbital-gdb."""
    connection = gdb.selected_inferior().connection
    return connection is not None and connection.type == "extended-remote"


def is_replay() -> bool:
    """Whether the machine repeats a recorded run, as QEMU's monitor says."""
    return "Replaying" in gdb.execute("monitor info replay", to_string=True)


@contextmanager
def cpu() -> Iterator[None]:
    """Selects the inferior on the CPU, where tasks are inferiors: the one all of whose registers are
    known. The selected frame is then its newest."""
    before = gdb.selected_thread()
    threads = [thread for inferior in gdb.inferiors() for thread in inferior.threads()]
    try:
        for thread in threads if tasks_are_inferiors() and not _is_on_cpu() else []:
            thread.switch()
            if _is_on_cpu():
                break
        yield
    finally:
        if before is not None and before != gdb.selected_thread():
            before.switch()


def _is_on_cpu() -> bool:
    try:
        int(gdb.newest_frame().read_register("cs"))
    except gdb.error:
        return False
    return True


def register(name: str) -> int:
    """A register of the CPU."""
    with cpu():
        return int(gdb.newest_frame().read_register(name)) & (1 << 64) - 1


def in_ring_3() -> bool:
    """Whether the CPU runs a program."""
    return register("cs") & 3 == 3


def context_on_cpu(view: Kernel) -> int:
    """The context of whoever is on the CPU."""
    return view.on_cpu(in_ring_3(), register("rsp"))


def task_on_cpu(view: Kernel) -> Optional[Task]:
    """The task on the CPU; none while it idles."""
    context = context_on_cpu(view)
    return next((task for task in view.tasks() if task.context == context), None)


def find(view: Kernel, argument: str) -> Task:
    """The task a command's argument names; one line of error if there is none."""
    try:
        pid = int(argument, 0)
    except ValueError:
        raise gdb.GdbError(f"a pid is a number, not {argument.strip()!r}") from None
    task = view.find(pid)
    if task is None:
        raise gdb.GdbError(f"no task has pid {pid} (orbital ps lists them)")
    return task


# Programs and their symbols

_CRATE_HASH = re.compile(r"\[[0-9a-f]{9,16}\]")


@lru_cache(maxsize=None)
def elf(path: str) -> Elf:
    """The ELF file at a path, read once."""
    return Elf(path)


def kernel_elf() -> Elf:
    """The kernel's own file."""
    return elf(gdb.objfiles()[0].filename)


@lru_cache(maxsize=1)
def programs() -> list[Elf]:
    """The unstripped programs: those beside the kernel's file and what ORBITAL_PROGRAMS names."""
    beside = os.path.join(os.path.dirname(kernel_elf().path), "programs", "*.elf")
    files = sorted(glob.glob(beside)) + os.environ.get("ORBITAL_PROGRAMS", "").split(":")
    found = []
    for path in filter(os.path.isfile, files):
        with suppress(ValueError):  # What is no program has no symbols.
            found.append(elf(path))
    return found


def program_of(view: Kernel, context: int) -> Optional[Elf]:
    """The file of the program a task runs: the one whose build id its memory has."""
    cr3 = view.word(context + view.at["context.cr3"])
    seen: dict[tuple[int, int], Optional[bytes]] = {}
    for program in programs():
        if program.identity is None:
            continue
        address, note = program.identity
        place = base_of(view, program) + address, len(note)
        if place not in seen:
            try:
                seen[place] = paging.read(view, cr3, *place)
            except Unreadable:
                seen[place] = None
        if seen[place] == note:
            return program
    for note in seen.values():
        if note and is_build_id(note):
            _tell_of_stranger(view, context, note)
    return None


def base_of(view: Kernel, program: Elf) -> int:
    """What to add to the addresses in its file."""
    return view.at["image.base"] if program.movable else 0


def _tell_of_stranger(view: Kernel, context: int, note: bytes) -> None:
    """One line of error, once, for a program whose file is not here. Among inferiors the proxy has
    told of it."""
    if note in _strangers or tasks_are_inferiors():
        return
    _strangers.add(note)
    task = next(task for task in view.tasks() if task.context == context)
    print(
        f"orbital: wrong symbols: pid {task.pid} ({task.name}) has build id {shown(note)}, and no "
        "program here has: rebuild, or start the machine again",
        file=sys.stderr,
    )


# Notes with build ids that no program here has.
_strangers: set[bytes] = set()


def place(view: Kernel, address: int, context: int) -> str:
    """A code address as function and offset, of the kernel or of the context's program."""
    file = program_of(view, context) if address < USER_END else kernel_elf()
    found = file.function_at(address - base_of(view, file)) if file else None
    if found is None:
        return f"{address:#x}"
    name, offset = found
    return f"{demangled(name)}+{offset}" if offset else demangled(name)


@lru_cache(maxsize=None)
def demangled(name: str) -> str:
    """A linker's name as in the source."""
    if not name.startswith(("_R", "_ZN")):
        return name
    plain = gdb.execute(f"demangle -l rust -- {name}", to_string=True).strip()
    return _CRATE_HASH.sub("", plain)


def check_build() -> bool:
    """Whether a kernel is in memory; one line of error if it is not that of these symbols."""
    file = kernel_elf()
    if file.build_id is None:
        raise gdb.GdbError(f"{file.path} has no build id, so it cannot be told whose symbols these are")
    address, note = file.build_id
    try:
        running = memory(address, len(note))
    except Unreadable:
        return False  # The boot loader has not loaded it yet.
    if running != note:
        raise gdb.GdbError(
            f"wrong symbols: {file.path} has build id {shown(note)}, the kernel in memory has "
            f"{shown(running)}: rebuild, or start the machine again"
        )
    return True
