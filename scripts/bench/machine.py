"""One run of an emulated machine: started, read, timed and ended.

Guests say what they measured in lines that a person can read, too:

    bench: NAME median M min A max B mean C UNIT per OPERATION (N samples)
    bench: NAME is V UNIT
    bench: NAME skipped: REASON
"""

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass, field

_FIGURE = re.compile(
    r"bench: (\S+) median (\S+) min (\S+) max (\S+) mean (\S+) (\S+) per (.+) \((\d+) samples\)"
)
_VALUE = re.compile(r"bench: (\S+) is (\S+)")
_SKIPPED = re.compile(r"bench: (\S+) skipped: (.*)")
_REFUSED = re.compile(r"bench: (?:refused: (.*)|(no operation [^:]*))")

# One instruction is one virtual nanosecond, idle time is skipped, and every run is the same run.
ICOUNT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2000-01-01,clock=vm", "-seed", "1"]


class Refused(Exception):
    """The guest measures nothing: its clock does not count what it should, or it has no such operation."""


class NotThere(Exception):
    """A peer cannot be had here."""


@dataclass
class Run:
    """What one run came to."""

    figures: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    skipped: dict = field(default_factory=dict)
    seconds_to_mark: float | None = None
    text: str = ""
    load: float = 0.0

    def rename(self, old: str, new: str) -> None:
        """Calls a figure, and the values that go with it, something else."""
        self.figures = {re.sub(rf"^{old}$", new, name): of for name, of in self.figures.items()}
        self.values = {re.sub(rf"^{old}(?=[.]|$)", new, name): of for name, of in self.values.items()}


def run(command: list[str], mark: str | None = None, until: str = "bench: done",
        timeout: float = 600) -> Run:
    """Runs QEMU until the guest says `until`; notes how long it took to say `mark`."""
    result = Run(load=round(os.getloadavg()[0], 2))
    start = time.monotonic()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        _read(process, result, mark, until, start, timeout)
    finally:
        process.terminate()
        process.wait()
    _parse(result)
    return result


def _read(process: subprocess.Popen, result: Run, mark: str | None, until: str, start: float,
          timeout: float) -> None:
    output = process.stdout
    assert output is not None
    os.set_blocking(output.fileno(), False)
    raw = b""
    while until.encode() not in raw:
        left = start + timeout - time.monotonic()
        if left <= 0:
            break
        if not select.select([output], [], [], min(left, 1.0))[0]:
            continue
        chunk = os.read(output.fileno(), 1 << 16)
        if not chunk:
            break
        raw += chunk
        if mark and result.seconds_to_mark is None and mark.encode() in raw:
            result.seconds_to_mark = time.monotonic() - start
    result.text = raw.decode("utf-8", "replace")


def _parse(result: Run) -> None:
    for line in result.text.splitlines():
        if refused := _REFUSED.search(line):
            raise Refused(refused[1] or refused[2])
        if figure := _FIGURE.search(line):
            name, median, least, most, mean, unit, per, count = figure.groups()
            result.figures[name] = {
                "unit": unit, "per": per, "samples": int(count), "med": float(median),
                "min": float(least), "max": float(most), "mean": float(mean),
            }
        elif value := _VALUE.search(line):
            result.values[value[1]] = float(value[2])
        elif skipped := _SKIPPED.search(line):
            result.skipped[skipped[1]] = skipped[2]
