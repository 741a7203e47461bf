"""The kernel's offset table (kernel/src/debug.rs), read from guest memory.

Every address, offset and size these commands use comes from here, by name.
"""

import struct
from typing import Optional

SYMBOL = "ORBITAL_DEBUG_INFO"

_HEADER = struct.Struct("<8sII")
_ENTRY = struct.Struct("<32sQ")
_MAGIC = b"ORBITAL\0"
_VERSION = 1


class NotReady(Exception):
    """The kernel has not filled the table yet."""


class Layout(dict):
    """The table: name to number, and prefix to words."""

    def words(self, prefix: str) -> dict[int, str]:
        """The words of a group, by value: `words("why")[1]` is "yielded"."""
        start = prefix + "."
        return {value: name[len(start):] for name, value in self.items() if name.startswith(start)}


def size(layout: Layout) -> int:
    """Bytes of the table in memory."""
    return _HEADER.size + len(layout) * _ENTRY.size


def read(memory, address: int, known: Optional[Layout] = None) -> Layout:
    """Reads the table at `address`; `memory(address, length)` delivers bytes.

    The table is filled once: of one that is `known` the header is enough.
    """
    magic, version, count = _HEADER.unpack(memory(address, _HEADER.size))
    if magic != _MAGIC:
        raise NotReady("the kernel has not booted yet: continue first, for example to `break idle`")
    if version != _VERSION:
        raise NotReady(f"the kernel's debug table has version {version}, not {_VERSION}")
    if known is not None and len(known) == count:
        return known
    entries = memory(address + _HEADER.size, count * _ENTRY.size)
    return Layout(
        (name.rstrip(b"\0").decode(), value) for name, value in _ENTRY.iter_unpack(entries)
    )
