"""Files that are written: timelines and mended dumps."""

import json
import os
import struct
import tempfile
import unittest

from orbital import corefile, dump
from timeline import chrome
from timeline.run import Run, Switch

SEGMENT = struct.Struct("<IIQQQQQQ")


def switch(number, time, source, target, cpu=0):
    return Switch(number, time, cpu, source, target, "yielded", 0)


def slices(switches, **more):
    """Start, length and event of each slice of the CPUs, as written."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trace")
        chrome.write(Run(switches=switches, **more), path)
        with open(path, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
    return [e for e in events if e["ph"] == "X" and e["pid"] == chrome.CPUS]


class Timeline(unittest.TestCase):
    def test_slices_meet_without_gap_or_overlap_and_equal_the_switches(self):
        switches = [switch(n, 1000 * time, n, n + 1) for n, time in enumerate([5, 9, 12, 40])]
        found = slices(switches, names={1: "say"})
        self.assertEqual([(s["ts"], s["dur"]) for s in found], [(5, 4), (9, 3), (12, 28)])
        self.assertEqual([s["args"]["pid"] for s in found], [1, 2, 3])
        self.assertEqual(found[0]["name"], "say 1")

    def test_the_last_slice_ends_with_the_run(self):
        found = slices([switch(0, 1000, 1, 2)], end=4000)
        self.assertEqual([(s["ts"], s["dur"]) for s in found], [(1, 3)])
        self.assertEqual(slices([]), [])

    def test_processors_have_tracks_of_their_own(self):
        switches = [switch(0, 0, 1, 2, 0), switch(1, 1000, 3, 4, 1), switch(2, 2000, 2, 1, 0)]
        self.assertEqual([(s["tid"], s["dur"]) for s in slices(switches)], [(0, 2)])


class Dump(unittest.TestCase):
    def test_signs_and_the_hole_are_mended(self):
        window, wrong = 0xFFFF_8800_0000_0000, 0xFFFF_0000_0040_0000
        segments = [
            (1, 4, 0x100, window, 0, 0xA_0000, 0x800_0000, 0),
            (1, 4, 0x10_0100, wrong, 0x11_0000, 0x1000, 0x1000, 0),
        ]
        mended = [s[:7] for s in dump._mended(segments)]
        rest = 0x800_0000 - 0x10_0000
        self.assertEqual(mended[0], (1, 4, 0x100, window, 0, 0xA_0000, 0xA_0000))
        self.assertEqual(mended[1], (1, 4, 0xF_0100, window + 0x10_0000, 0x10_0000, rest, rest))
        self.assertEqual(mended[2][3], 0x40_0000)

    def test_the_copy_is_a_core_file_with_the_new_headers(self):
        core = corefile.core_file({"rip": 7}, [(0xFFFF_0000_0040_0000, b"x" * 16)])
        with tempfile.TemporaryDirectory() as folder:
            source, target = (os.path.join(folder, name) for name in ("a", "b"))
            with open(source, "wb") as file:
                file.write(core)
            dump.mend(source, target)
            with open(target, "rb") as file:
                copy = file.read()
        start, count = struct.unpack_from("<Q", copy, 32)[0], struct.unpack_from("<H", copy, 56)[0]
        segments = [SEGMENT.unpack_from(copy, start + n * SEGMENT.size) for n in range(count)]
        self.assertEqual([(s[0], s[3]) for s in segments], [(4, 0), (1, 0x40_0000)])
        self.assertEqual(copy[segments[1][2] :][:16], b"x" * 16)


if __name__ == "__main__":
    unittest.main()
