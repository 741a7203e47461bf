"""How `scripts/gdb.sh` brings gdb and a machine together."""

import contextlib
import os
import shlex
import sys
import tempfile

import gdb

from . import dump, programs, session


def attach(machine: str, proxy: str) -> None:
    """Connects to a stub, through the proxy if one is named, or opens a dump; leaves gdb with one
    line of error if that fails."""
    try:
        if os.path.isfile(machine):
            _open(machine)
        elif proxy:
            _connect(machine, proxy)
        else:
            gdb.execute(f"target remote {machine}")
        if not session.check_build():
            gdb.events.stop.connect(_check_later)
        if not session.tasks_are_inferiors():
            programs.follow()
    except (gdb.error, gdb.GdbError, OSError) as error:
        print(f"orbital: {error}", file=sys.stderr)
        gdb.execute("quit 1")


def _check_later(_event) -> None:
    """Tells at the first stop in a kernel if that is not the one of these symbols."""
    try:
        if not session.check_build():
            return
    except gdb.GdbError as error:
        print(f"orbital: {error}", file=sys.stderr)
    gdb.events.stop.disconnect(_check_later)


def _connect(machine: str, proxy: str) -> None:
    kernel = session.kernel_elf().path
    words = [proxy, "--kernel", kernel]
    folder = os.path.join(os.path.dirname(kernel), "programs")
    for path in [folder, *os.environ.get("ORBITAL_PROGRAMS", "").split(":")]:
        if os.path.exists(path):
            words += ["--programs", path]
    for setting in ("detach-on-fork off", "schedule-multiple on", "sysroot"):
        gdb.execute(f"set {setting}")
    # Ctrl-C at the terminal is for gdb alone.
    command = f"trap '' INT; exec {shlex.join([*words, machine])}"
    try:
        with _silence_about_waiting():
            gdb.execute(f"target extended-remote | {command}")
    except gdb.error:
        gdb.execute("quit 1")  # The proxy has said why.


@contextlib.contextmanager
def _silence_about_waiting():
    """While gdb connects it polls, and warns as often as the proxy has not answered yet."""
    with tempfile.TemporaryFile("w+") as said:
        terminal = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            gdb.flush(gdb.STDERR)
            os.dup2(terminal, 2)
            os.close(terminal)
            said.seek(0)
            print(said.read().replace(_WAITS, ""), end="", file=sys.stderr)


_WAITS = "warning: Invalid remote reply: timeout\n"


def _open(path: str) -> None:
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            raise gdb.GdbError(f"{path} is neither a stub's socket nor a core dump")
    # Without a name it goes with gdb, however that ends.
    mended = tempfile.TemporaryFile(prefix="orbital-dump-")
    _open_files.append(mended)
    copy = f"/proc/self/fd/{mended.fileno()}"
    dump.mend(path, copy)
    gdb.execute(f"core-file {copy}")


# As long as gdb lives.
_open_files: list = []
