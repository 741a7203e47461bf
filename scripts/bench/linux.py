"""Linux as a guest: Debian's kernel, taken out of its package, with one process of our own.

Two configurations: as Debian ships it, and the cheapest it can be talked into (no mitigations, no
audit, no randomised stacks, no zeroing of pages, no preemption).
"""

import re
import subprocess
from pathlib import Path
from typing import Callable

import machine
import orbital
import summary

_HERE = Path(__file__).resolve().parent / "linux"
_CONFIGURATIONS = {
    "default": "",
    "tuned": "mitigations=off audit=0 randomize_kstack_offset=off norandmaps init_on_alloc=0 "
             "preempt=none noautogroup hardened_usercopy=off nokaslr",
}
_PACKAGE = "linux-image-cloud-amd64"
_FLAGS = ["-O2", "-ffreestanding", "-fno-pie", "-no-pie", "-fno-stack-protector",
          "-fno-asynchronous-unwind-tables", "-fcf-protection=none", "-nostdlib", "-static", "-s",
          "-Wl,--build-id=none", "-Wl,-z,noseparate-code"]
_WALL_RUNS = 3


def measure(scratch: Path, note: Callable[[str], None]) -> dict:
    """Both configurations, counted once, and the cheaper one in wall time."""
    kernel = _kernel(scratch)
    disk = _initramfs(scratch)
    results = {}
    for name in _CONFIGURATIONS:
        note(f"Linux ({name}), counting instructions")
        results[f"linux-{name}/icount"] = summary.of([_run(kernel, disk, name, True)])
    note(f"Linux (tuned), wall time, {_WALL_RUNS} runs")
    results["linux-tuned/wall"] = summary.of([_run(kernel, disk, "tuned", False)
                                              for _ in range(_WALL_RUNS)])
    return results


def _run(kernel: Path, disk: Path, configuration: str, counted: bool) -> machine.Run:
    command = [
        "qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
        "-machine", "pc", "-accel", "tcg", "-smp", "1", "-m", "512", "-cpu", orbital.CPU,
        "-kernel", kernel, "-initrd", disk, *(machine.ICOUNT if counted else []), "-append",
        f"console=ttyS0 quiet {_CONFIGURATIONS[configuration]} -- {'counted' if counted else 'timed'}",
    ]
    run = machine.run([str(part) for part in command])
    if "calib_10000" not in run.figures:
        raise machine.NotThere("it did not get as far as measuring:\n" + run.text[-500:])
    return run


def _kernel(scratch: Path) -> Path:
    """The kernel's file, out of the package that Debian's package depends on."""
    said = _output(["apt-cache", "depends", _PACKAGE], "apt-cache knows no such package")
    named = re.search(r"Depends: (linux-image-\d\S*)", said)
    if not named:
        raise machine.NotThere(f"Debian's lists here have no {_PACKAGE} (apt-get update?)")
    _output(["apt-get", "download", "-q", named[1]], "its package cannot be downloaded", scratch)
    package = next(scratch.glob("linux-image-*.deb"))
    _output(["dpkg", "-x", str(package), str(scratch / "linux")], "its package cannot be unpacked")
    return next((scratch / "linux" / "boot").glob("vmlinuz-*"))


def _initramfs(scratch: Path) -> Path:
    """An archive (newc) with /dev/console and our two programs."""
    for source, name in [("peer.c", "init"), ("tiny.S", "tiny")]:
        _output(["gcc", *_FLAGS, "-o", str(scratch / name), str(_HERE / source)], "gcc fails")
    archive = b"".join([
        _entry("dev", 0o040755, b""), _entry("dev/console", 0o020600, b"", (5, 1)),
        _entry("init", 0o100755, (scratch / "init").read_bytes()),
        _entry("tiny", 0o100755, (scratch / "tiny").read_bytes()),
        _entry("TRAILER!!!", 0, b""),
    ])
    disk = scratch / "initramfs"
    disk.write_bytes(archive)
    return disk


def _entry(name: str, mode: int, body: bytes, device: tuple[int, int] = (0, 0)) -> bytes:
    encoded = name.encode() + b"\0"
    fields = (sum(encoded), mode, 0, 0, 1, 0, len(body), 0, 0, *device, len(encoded), 0)
    head = b"070701" + b"".join(b"%08x" % number for number in fields) + encoded
    return _padded(head) + _padded(body)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _output(command: list[str], failure: str, place: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        raise machine.NotThere(f"{failure}: {detail.strip().splitlines()[-1]}") from error
    return done.stdout
