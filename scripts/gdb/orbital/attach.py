"""How `scripts/gdb.sh` brings gdb and a machine together."""

import atexit
import os
import shutil
import stat
import sys
import tempfile

import gdb

from . import dump, programs, session


def attach(machine: str, plain: bool) -> None:
    """Connects to a stub, or opens a dump; leaves gdb with one line of error if that fails."""
    try:
        if os.path.isfile(machine):
            _open(machine)
        else:
            gdb.execute(f"target remote {machine}")
        session.check_build()
        if plain:
            programs.follow()
    except (gdb.error, gdb.GdbError, OSError) as error:
        print(f"orbital: {error}", file=sys.stderr)
        gdb.execute("quit 1")


def _open(path: str) -> None:
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            raise gdb.GdbError(f"{path} is neither a stub's socket nor a core dump")
    folder = tempfile.mkdtemp(prefix="orbital-dump-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = os.path.join(folder, "core")
    dump.mend(path, copy)
    os.chmod(copy, stat.S_IRUSR | stat.S_IWUSR)
    gdb.execute(f"core-file {copy}")
