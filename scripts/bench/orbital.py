"""Orbital as a guest: its images, its runs, its boot."""

import subprocess
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "target" / "orbital"
RELEASE = OUTPUT / "release"
PROMPT = "orbital>"

# `rep movsb` counts once an iteration: without ERMS nobody uses it where `rep movsq` serves.
CPU = "max,-erms"


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
    lines = (ROOT / "scripts" / "qemu.args").read_text().splitlines()
    arguments = [line for line in lines if line and not line.startswith("#")]
    return [
        "qemu-system-x86_64", *arguments, "-cpu", CPU, "-m", str(memory), "-display", "none",
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
    return machine.run(command(image(scratch, line), memory, counted))


def seconds_to_prompt(scratch: Path) -> float | None:
    """From QEMU's start to the first shell's prompt."""
    disk = image(scratch, "")
    return machine.run(command(disk), mark=PROMPT, until=PROMPT, timeout=60).seconds_to_mark


def smallest_memory(scratch: Path) -> int | None:
    """The fewest MiB with which a shell's prompt appears."""
    disk = image(scratch, "")
    for memory in range(8, 65, 2):
        run = machine.run(command(disk, memory), mark=PROMPT, until=PROMPT, timeout=15)
        if run.seconds_to_mark is not None:
            return memory
    return None


def image_size() -> int:
    """Bytes of kernel and programs as they lie in the image; the image itself is padded."""
    files = [RELEASE / "kernel.stripped", *(RELEASE / "stripped").iterdir()]
    return sum(file.stat().st_size for file in files)
