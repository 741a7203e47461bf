"""The kernel's tables, read from bytes."""

import struct
import unittest

from orbital import layout, paging
from orbital.kernel import PAGE

from .machine import TABLE, Machine

RING = {
    "ring.count": 0x100,
    "ring.events": 0x200,
    "ring.capacity": 4,
    "event.size": 40,
    "event.time": 0,
    "event.rip": 8,
    "event.from": 16,
    "event.to": 24,
    "event.why": 32,
    "event.cpu": 33,
    "why.idle": 0,
    "why.yielded": 1,
}


def ring(count: int) -> Machine:
    """A machine that has switched `count` times, from pid n to n + 1."""
    machine = Machine(RING)
    machine.put(0x100, struct.pack("<Q", count))
    events = [b""] * 4
    for n in range(max(count - 4, 0), count):
        events[n % 4] = struct.pack("<QQQQBB6x", n * 10, 0, n, n + 1, 1, 0)
    machine.put(0x200, b"".join(event or bytes(40) for event in events))
    return machine


class Ring(unittest.TestCase):
    def numbers(self, count, limit=None):
        return [switch.number for switch in ring(count).kernel().switches(limit)]

    def test_is_read_oldest_first_across_the_wrap(self):
        self.assertEqual(self.numbers(0), [])
        self.assertEqual(self.numbers(3), [0, 1, 2])
        self.assertEqual(self.numbers(6), [2, 3, 4, 5])
        self.assertEqual(self.numbers(6, 3), [3, 4, 5])

    def test_fields_are_where_the_table_says(self):
        last = ring(6).kernel().switches(1)[0]
        self.assertEqual((last.time, last.source, last.target, last.why), (50, 5, 6, "yielded"))


class Table(unittest.TestCase):
    def test_is_refused_before_boot_and_in_another_version(self):
        machine = Machine({})
        machine.put(TABLE, bytes(16))
        with self.assertRaises(layout.NotReady):
            machine.kernel()
        machine.put(TABLE, struct.pack("<8sII", b"ORBITAL\0", 2, 0))
        with self.assertRaisesRegex(layout.NotReady, "version 2"):
            machine.kernel()

    def test_words_of_a_group_go_by_their_value(self):
        self.assertEqual(ring(0).kernel().at.words("why"), {0: "idle", 1: "yielded"})


class Tasks(unittest.TestCase):
    def test_are_found_wherever_in_the_table_they_are(self):
        size, places = 64, {0: 7, 70: 3, 199: 5}
        numbers = {"table.entries": 0x1000_0000, "table.capacity": 200, "table.live": 0x100}
        numbers |= {"entry.size": size, "entry.tag": 0, "entry.process": 8, "name.size": 8}
        numbers |= {"process.parent": 0, "process.pid": 24, "process.name": 48}
        numbers |= {"tasks": 0x2000_0000, "task.size": 32, "state.inner": 8, "state.value": 16}
        numbers |= {f"task.{name}": 0 for name in "state voluntary forced context".split()}
        machine, table = Machine(numbers), bytearray(size * 200)
        for slot, pid in places.items():
            table[slot * size] = 1
            struct.pack_into("<Q", table, slot * size + 32, pid)
        machine.put(0x1000_0000, bytes(table))
        machine.put(0x2000_0000, bytes(32 * 200))
        machine.put(0x100, struct.pack("<Q", len(places)))
        found = [(task.pid, task.slot) for task in machine.kernel().tasks()]
        self.assertEqual(found, [(3, 70), (5, 199), (7, 0)])


class Paging(unittest.TestCase):
    def setUp(self):
        """4 KiB at 0x400000 shows frame 0x9000, the 2 MiB above it frame 0x200000."""
        machine = Machine({"memory.window": 1 << 40})
        entries = {0x1000: (0, 0x2000), 0x2000: (0, 0x3000), 0x3000: (2, 0x4000), 0x4000: (0, 0x9000)}
        pages = {page: bytearray(PAGE) for page in entries}
        for page, (index, frame) in entries.items():
            struct.pack_into("<Q", pages[page], index * 8, frame | 1)
        struct.pack_into("<Q", pages[0x3000], 3 * 8, 0x20_0000 | 0x81)
        for page, content in pages.items():
            machine.put((1 << 40) + page, bytes(content))
        machine.put((1 << 40) + 0x9000, b"program!" * 512)
        self.view = machine.kernel()

    def test_small_and_large_pages_are_found(self):
        self.assertEqual(paging.physical(self.view, 0x1000, 0x40_0123), 0x9123)
        self.assertEqual(paging.physical(self.view, 0x1000, 0x61_2345), 0x21_2345)
        self.assertIsNone(paging.physical(self.view, 0x1000, 0x40_1000))
        self.assertIsNone(paging.physical(self.view, 0x1000, 0x7FFF_0000_0000))

    def test_bytes_are_read_up_to_where_memory_ends(self):
        self.assertEqual(paging.read(self.view, 0x1000, 0x40_0008, 8), b"program!")
        pages = list(paging.pages_from(self.view, 0x1000, 0x40_0ABC, 9))
        self.assertEqual([page for page, _ in pages], [0x40_0000])


if __name__ == "__main__":
    unittest.main()
