"""The floor as a guest: hand-written paths without a kernel around them (see floor/floor.S)."""

import subprocess
from pathlib import Path
from typing import Callable

import machine
import orbital
import summary

_HERE = Path(__file__).resolve().parent / "floor"
_FLAGS = ["-O2", "-ffreestanding", "-fno-pie", "-no-pie", "-mno-red-zone", "-mgeneral-regs-only",
          "-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-nostdlib",
          "-static", "-s", "-Wl,--build-id=none", "-Wl,--no-warn-rwx-segments"]
_WALL_RUNS = 5


def measure(scratch: Path, note: Callable[[str], None]) -> dict:
    """Counted once, and in wall time."""
    guest = scratch / "floor.elf"
    sources = [_HERE / "floor.S", _HERE / "floor.c"]
    try:
        subprocess.run(["gcc", *_FLAGS, f"-Wl,-T,{_HERE / 'floor.ld'}", "-o", guest, *sources],
                       capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise machine.NotThere(f"gcc fails: {detail.strip()}") from error
    note(f"the floor, counting instructions, then wall time, {_WALL_RUNS} runs")
    return {
        "floor/icount": summary.of([_run(guest, True)]),
        "floor/wall": summary.of([_run(guest, False) for _ in range(_WALL_RUNS)]),
    }


def _run(guest: Path, counted: bool) -> machine.Run:
    run = machine.run([
        "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
        "-machine", "pc", "-accel", "tcg", "-smp", "1", "-m", "512", "-cpu", orbital.CPU,
        "-kernel", str(guest), "-append", "counted" if counted else "timed",
        *(machine.ICOUNT if counted else []),
    ], timeout=60)
    if "price_xrstor" not in run.figures:
        raise machine.NotThere("it did not get as far as measuring:\n" + run.text[-500:])
    return run
