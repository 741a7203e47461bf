"""Memory of a program that is not on the CPU: its page tables, read through the physical window.

The kernel shows all physical memory at one place of its own half, so neither the CPU's CR3 nor the
debug stub's mode has to be touched. Entries: SDM volume 3A, table 4-15 and following.
"""

from typing import Iterator, Optional

from .kernel import PAGE, Kernel, Unreadable

_PRESENT, _LARGE = 1, 1 << 7
_FRAME = 0x000F_FFFF_FFFF_F000
_ENTRIES = 512


def physical(kernel: Kernel, cr3: int, address: int) -> Optional[int]:
    """The physical address behind a virtual one; none if nothing is mapped there."""
    table = cr3 & _FRAME
    for shift in (39, 30, 21, 12):
        index = address >> shift & (_ENTRIES - 1)
        entry = kernel.word(kernel.at["memory.window"] + table + index * 8)
        if not entry & _PRESENT:
            return None
        size = 1 << shift
        if shift == 12 or (shift < 39 and entry & _LARGE):
            return (entry & _FRAME & -size) | (address & (size - 1))
        table = entry & _FRAME
    return None


def read(kernel: Kernel, cr3: int, address: int, length: int) -> bytes:
    """Bytes as the program with these page tables sees them."""
    found = b""
    while len(found) < length:
        here = address + len(found)
        frame = physical(kernel, cr3, here)
        if frame is None:
            raise Unreadable(f"nothing is mapped at {here:#x}")
        part = min(length - len(found), PAGE - here % PAGE)
        found += kernel.memory(kernel.at["memory.window"] + frame, part)
    return found


def pages_from(kernel: Kernel, cr3: int, address: int, limit: int) -> Iterator[tuple[int, bytes]]:
    """The page of an address and those that follow it without a gap, at most `limit`."""
    page = address & -PAGE
    for _ in range(limit):
        try:
            yield page, read(kernel, cr3, page, PAGE)
        except Unreadable:
            return
        page += PAGE
