"""The kernel's tables as seen from outside: tasks, switches, the memory of programs.

Nothing here knows gdb: a `Kernel` reads memory through the function it is given, so that it works
on a running machine, on a dump and in a test alike. Nothing here writes.
"""

import struct
from dataclasses import dataclass
from typing import Callable, Optional

from .layout import Layout

PAGE = 4096
USER_END = 1 << 47
CALLEE_SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
_SLOTS_AT_ONCE = 64

Memory = Callable[[int, int], bytes]


class Unreadable(Exception):
    """An address that has no memory."""


@dataclass(frozen=True)
class Task:
    """One task of the process table."""

    slot: int
    pid: int
    parent: int
    name: str
    state: str
    detail: str
    switches: int
    context: int

    @property
    def status(self) -> str:
        """The state and what it waits for, or how it ended."""
        return f"{self.state}({self.detail})" if self.detail else self.state

    @property
    def ended(self) -> bool:
        """Whether nothing is left of it but its place in the table."""
        return self.state == "Exited"


@dataclass(frozen=True)
class Switch:
    """One switch of the ring: `time` in ticks of the kernel's clock, `rip` 0 in the kernel."""

    number: int
    time: int
    rip: int
    source: int
    target: int
    why: str
    cpu: int


class Kernel:
    """A view of a kernel's memory, valid while the machine stands still."""

    def __init__(self, memory: Memory, layout: Layout):
        self.memory = memory
        self.at = layout

    def word(self, address: int, size: int = 8) -> int:
        """The unsigned number at an address."""
        return int.from_bytes(self.memory(address, size), "little")

    # Tasks

    def tasks(self) -> list[Task]:
        """Every task in the table, by pid; those of the kernel itself first."""
        capacity, left = self.at["table.capacity"], self.word(self.at["table.live"])
        found: list[Task] = []
        # The table has room for far more than live, mostly in its first places.
        for first in range(0, capacity, _SLOTS_AT_ONCE):
            if len(found) >= left:
                break
            count = min(_SLOTS_AT_ONCE, capacity - first)
            entries = self._elements("table.entries", "entry.size", first, count)
            records = self._elements("tasks", "task.size", first, count)
            for slot, (entry, record) in enumerate(zip(entries, records), first):
                if entry[self.at["entry.tag"]]:
                    found.append(self._task(slot, entry[self.at["entry.process"] :], record))
        return sorted(found, key=lambda task: task.pid)

    def find(self, pid: int) -> Optional[Task]:
        """The task with that pid."""
        return next((task for task in self.tasks() if task.pid == pid), None)

    def _elements(self, base: str, size: str, first: int, count: int) -> list[bytes]:
        """`count` elements of an array from number `first` on."""
        stride = self.at[size]
        raw = self.memory(self.at[base] + first * stride, count * stride)
        return [raw[at : at + stride] for at in range(0, count * stride, stride)]

    def _task(self, slot: int, process: bytes, record: bytes) -> Task:
        at = self.at

        def word(raw: bytes, field: str) -> int:
            return int.from_bytes(raw[at[field] : at[field] + 8], "little")

        name = process[at["process.name"] :][: at["name.size"]].split(b"\0")[0]
        state, detail = self._state(record[at["task.state"] :])
        return Task(
            slot=slot,
            pid=word(process, "process.pid"),
            parent=word(process, "process.parent"),
            name=name.decode(errors="replace"),
            state=state,
            detail=detail,
            switches=word(record, "task.voluntary") + word(record, "task.forced"),
            context=word(record, "task.context"),
        )

    def _state(self, raw: bytes) -> tuple[str, str]:
        inner = raw[self.at["state.inner"]]
        (value,) = struct.unpack_from("<q", raw, self.at["state.value"])
        state = self.at.words("status").get(raw[0], "?")
        if state == "Blocked":
            what = self.at.words("wait").get(inner, "?")
            return state, f"pid {value}" if what == "child" else what
        if state == "Exited":
            how = self.at.words("end").get(inner, "?")
            return state, str(value) if how == "exited" else how
        return state, ""

    # Contexts and frames

    def context(self, context: int) -> dict[str, int]:
        """The fields of a TaskContext that mean something: a task that was done in the kernel goes on
        from its frame, and has saved no registers."""
        fields = self._fields("context", context)
        del fields["selectors"]  # Of this one where it lies is all that is published.
        in_kernel = fields.pop("in_kernel") & 0xFFFF_FFFF
        return {n: value for n, value in fields.items() if in_kernel or n not in CALLEE_SAVED}

    def frame(self, context: int) -> Optional[dict[str, int]]:
        """The TrapFrame of the task's last entry from ring 3; none for a task of the kernel."""
        top = self.word(context + self.at["context.stack_top"])
        return self._fields("frame", top - self.at["frame.size"]) if top else None

    def _fields(self, kind: str, address: int) -> dict[str, int]:
        offsets = {v: n for v, n in self.at.words(kind).items() if n != "size"}
        raw = self.memory(address, max(offsets) + 8)
        return {
            name: int.from_bytes(raw[offset : offset + 8], "little")
            for offset, name in sorted(offsets.items())
        }

    def stack_of(self, address: int) -> Optional[range]:
        """The kernel stack in which an address lies."""
        stride, size, region = (self.at[f"stack.{n}"] for n in ("stride", "size", "region"))
        place = (address - region) // stride
        if not 0 <= place < self.at["table.capacity"]:
            return None
        top = region + (place + 1) * stride
        return range(top - size, top)

    def on_cpu(self, in_ring_3: bool, rsp: int) -> int:
        """The context of whoever is on the CPU; that of idle is `idle()`.

        In ring 0 it is the one whose kernel stack is in use: exact at every instruction, also
        between the scheduler's decision and the switch of stacks.
        """
        current = self.word(self.at["current.context"])
        stack = self.stack_of(rsp)
        if in_ring_3 or (stack and current in stack):
            return current
        if stack:
            owners = (task.context for task in self.tasks() if not task.ended)
            return next((context for context in owners if context in stack), current)
        # Another stack: the boot stack, on which idle runs, or that of an exception.
        below_idle = 0 <= self.idle() - rsp < self.at["stack.size"]
        return self.idle() if below_idle else current

    def idle(self) -> int:
        """The context of the idle loop."""
        return self.word(self.at["idle.context"])

    # Switches

    def switches(self, limit: Optional[int] = None) -> list[Switch]:
        """The last switches that are still known, oldest first."""
        at = self.at
        count, capacity, size = self.word(at["ring.count"]), at["ring.capacity"], at["event.size"]
        known = min(count, capacity, count if limit is None else limit)
        if not known:
            return []
        why = at.words("why")
        first = (count - known) % capacity
        before_wrap = min(known, capacity - first)
        raw = self.memory(at["ring.events"] + first * size, before_wrap * size)
        if known > before_wrap:
            raw += self.memory(at["ring.events"], (known - before_wrap) * size)

        def event(index: int) -> Switch:
            def field(name: str, length: int = 8) -> int:
                start = index * size + at[f"event.{name}"]
                return int.from_bytes(raw[start : start + length], "little")

            return Switch(
                number=count - known + index,
                time=field("time"),
                rip=field("rip"),
                source=field("from"),
                target=field("to"),
                why=why.get(field("why", 1), "?"),
                cpu=field("cpu", 1),
            )

        return [event(index) for index in range(known)]

    def micros(self, ticks: int) -> float:
        """Ticks of the kernel's clock as microseconds since boot."""
        return self.nanos(ticks) / 1000

    def nanos(self, ticks: int) -> int:
        """The same in whole nanoseconds."""
        return (ticks - self.at["clock.origin"]) * 1_000_000_000 // self.at["clock.hz"]
