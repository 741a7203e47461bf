"""Turns the record of a run into pictures of it: python3 -m timeline RECORD DIRECTORY."""

import os
import sys

from . import chrome, ftrace, run, svg


def main(record: str, directory: str) -> int:
    """Writes trace.json, trace.ftrace and trace.svg; says what is in them."""
    try:
        seen = run.read(record)
    except run.Incomplete:
        message = "the run was left before the machine was switched off: there is no trace of it"
        print(f"orbital: {message} (poweroff=yes, or a panic, ends one)", file=sys.stderr)
        return 1
    for writer, name in ((chrome, "trace.json"), (ftrace, "trace.ftrace"), (svg, "trace.svg")):
        writer.write(seen, os.path.join(directory, name))
    lost = seen.lost_switches
    note = f"; {lost} earlier ones are lost (trace=N remembers more)" if lost else ""
    print(f"orbital: {len(seen.switches)} switches by {len(seen.tracks)} tasks{note}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
