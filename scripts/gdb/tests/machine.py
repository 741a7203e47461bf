"""A machine made of bytes, with an offset table as the kernel fills it."""

import struct

from orbital import layout
from orbital.kernel import Kernel, Unreadable

TABLE = 0x1000


def table(numbers: dict[str, int]) -> bytes:
    """The offset table in memory."""
    raw = struct.pack("<8sII", b"ORBITAL\0", 1, len(numbers))
    return raw + b"".join(struct.pack("<32sQ", n.encode(), v) for n, v in numbers.items())


class Machine:
    """Memory in pieces."""

    def __init__(self, numbers: dict[str, int]):
        self.pieces = {TABLE: table(numbers)}

    def put(self, address: int, content: bytes) -> None:
        """Makes a piece of memory."""
        self.pieces[address] = content

    def read(self, address: int, length: int) -> bytes:
        """What gdb would read."""
        for start, piece in self.pieces.items():
            if start <= address and address + length <= start + len(piece):
                return piece[address - start : address - start + length]
        raise Unreadable(f"no memory at {address:#x}")

    def kernel(self) -> Kernel:
        """The view under test."""
        return Kernel(self.read, layout.read(self.read, TABLE))
