"""Runs a program whose console is a terminal device, and joins that to our own input and output.

    python3 console.py FILE COMMAND [ARG]...

`{}` in an ARG stands for the name of a new pseudo-terminal. What COMMAND writes itself goes to FILE.
Ctrl-A x ends it, Ctrl-A Ctrl-A is one Ctrl-A, as in QEMU; without input it runs on. The status is that
of COMMAND, 0 after Ctrl-A x, 1 where there is nobody to write to.

Made for Bochs, whose serial port is a file that is only written to, a terminal, or a TCP port that
anyone could take. It drops what a terminal does not take at once, so everything is read at once here.
"""

import os
import select
import subprocess
import sys

INPUT, OUTPUT = 0, 1
PREFIX, LEAVE = 0x01, ord("x")
# A pipe that is ready takes so much without waiting.
PIECE = select.PIPE_BUF


class Left(Exception):
    """The user does not want to see more."""


class Keys:
    """What is typed, less what is for us."""

    def __init__(self) -> None:
        self.prefixed = False

    def typed(self, keys: bytes) -> bytes:
        """What the program gets of `keys`. Raises Left after Ctrl-A x."""
        meant = bytearray()
        for key in keys:
            if self.prefixed and key == LEAVE:
                raise Left
            if key != PREFIX or self.prefixed:
                meant.append(key)
            self.prefixed = key == PREFIX and not self.prefixed
        return bytes(meant)


def main(file: str, command: list[str]) -> int:
    """Runs `command` to its end; the status to leave with."""
    console, terminal = os.openpty()
    os.set_blocking(console, False)
    make_raw(terminal)
    if os.isatty(INPUT):
        make_raw(INPUT)
    words = [word.replace("{}", os.ttyname(terminal)) for word in command]
    with open(file, "wb") as output:
        program = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        join(console, terminal, program)
    except Left:
        return 0
    except OSError:
        return 1
    finally:
        program.kill()
        program.wait()
    return program.returncode or 0


def make_raw(terminal: int) -> None:
    """Every byte passes a raw terminal as it is. (A whole Python has a module for this.)"""
    subprocess.run(["stty", "raw", "-echo"], stdin=terminal, check=False)


def join(console: int, terminal: int, program: subprocess.Popen[bytes]) -> None:
    """Copies both ways until `program` has ended and all it said is written."""
    keys, typed, said = Keys(), bytearray(), bytearray()
    sources = [console, INPUT]
    while console in sources or said:
        sinks = [console] * bool(typed) + [OUTPUT] * bool(said)
        readable, writable, _ = select.select(sources, sinks, [], 0.1)
        if console in readable:
            try:
                said += os.read(console, 1 << 16)
            except OSError:
                # Nobody has it open any more, and it is empty.
                sources.remove(console)
        if INPUT in readable:
            if part := os.read(INPUT, PIECE):
                typed += keys.typed(part)
            else:
                sources.remove(INPUT)
        if OUTPUT in writable:
            del said[: os.write(OUTPUT, said[:PIECE])]
        if console in writable:
            del typed[: os.write(console, typed[:PIECE])]
        if terminal >= 0 and program.poll() is not None:
            os.close(terminal)
            terminal = -1
            typed.clear()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
