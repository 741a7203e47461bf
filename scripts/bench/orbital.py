"""Orbital as a guest: its images, its runs, its boot."""

import subprocess
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "target" / "orbital"
RELEASE = OUTPUT / "release"
PROMPT = "orbital>"
ARGUMENTS = [line for line in (ROOT / "scripts" / "qemu.args").read_text().splitlines()
             if line and not line.startswith("#")]

# `rep movsb` counts once an iteration: without ERMS nobody uses it where `rep movsq` serves.
CPU = ARGUMENTS[ARGUMENTS.index("-cpu") + 1] + ",-erms"
# More than this no machine needs to boot.
_ENOUGH = 64


def image(scratch: Path, command_line: str) -> Path:
    """A disk image with that kernel command line."""
    place = scratch / f"{abs(hash(command_line)):x}.img"
    subprocess.run(
        [OUTPUT / "mkimage", "--kernel", RELEASE / "kernel.stripped", "--programs",
         RELEASE / "stripped", "--bios", place, "--cmdline", command_line],
        check=True,
    )
    return place


def command(disk: Path, memory: int = 128, counted: bool = False) -> list[str]:
    """QEMU's command line for a machine that boots `disk`."""
    return [
        "qemu-system-x86_64", *ARGUMENTS, "-cpu", CPU, "-m", str(memory), "-display", "none",
        "-serial", "stdio", "-action", "panic=none",
        "-drive", f"file={disk},if=none,id=disk,format=raw,readonly=on",
        "-device", "virtio-blk-pci,drive=disk,bootindex=0",
        *(machine.ICOUNT if counted else []),
    ]


def bench(scratch: Path, operations: list[str], counted: bool, memory: int = 256,
          extra: str = "") -> machine.Run:
    """Runs the program `bench`."""
    flag = "--instructions " if counted else ""
    line = f'run="bench {flag}{" ".join(operations)}" poweroff=yes quiet=yes limit-children=16000 {extra}'
    run = machine.run(command(image(scratch, line), memory, counted))
    if "bench: done" not in run.text:
        raise machine.Refused("it did not come to its end:\n" + run.text[-1000:])
    return run


def seconds_to_prompt(scratch: Path) -> float | None:
    """From QEMU's start to the first shell's prompt."""
    disk = image(scratch, "")
    return machine.run(command(disk), mark=PROMPT, until=PROMPT, timeout=60).seconds_to_mark


def smallest_memory(scratch: Path, about: int) -> int | None:
    """The fewest MiB with which a shell's prompt appears, probably `about` that."""
    disk = image(scratch, "")

    def boots(memory: int) -> bool:
        run = machine.run(command(disk, memory), mark=PROMPT, until=PROMPT, timeout=15)
        return run.seconds_to_mark is not None

    while about > 1 and boots(about - 1):
        about -= 1
    return next((memory for memory in range(about, _ENOUGH) if boots(memory)), None)


def sizes() -> dict:
    """Bytes of the kernel, and of kernel and programs, as they lie in the image."""
    kernel = (RELEASE / "kernel.stripped").stat().st_size
    programs = sum(file.stat().st_size for file in (RELEASE / "stripped").iterdir())
    return {"kernel_bytes": kernel, "image_bytes": kernel + programs}
