"""Dumps that QEMU's `dump-guest-memory -p` wrote, made readable.

QEMU 7.2 has two faults there: it extends addresses of the lower half with sign bits they do not
have, and a segment that spans the hole below 1 MiB, as the kernel's window onto physical memory
does, ends at the hole although the rest is in the file. Both are in the program headers, so a copy
with new headers mends them.
"""

import shutil
import struct

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD = 1
_MIB = 1 << 20
_WRONG_SIGN = 0xFFFF << 48


def _mended(segments: list[tuple]) -> list[tuple]:
    """The program headers as they should be."""
    # Memory above the hole lies in the file in one piece: offset minus physical address.
    deltas = [
        offset - physical
        for kind, _, offset, _, physical, in_file, size, _ in segments
        if kind == _LOAD and physical >= _MIB and in_file == size
    ]
    found = []
    for kind, flags, offset, address, physical, in_file, size, align in segments:
        if kind == _LOAD and address & _WRONG_SIGN == _WRONG_SIGN and not address >> 47 & 1:
            address &= ~_WRONG_SIGN
        found.append((kind, flags, offset, address, physical, in_file, min(in_file, size), align))
        if kind == _LOAD and in_file < size and physical + size > _MIB and deltas:
            start = max(physical, _MIB)
            rest = physical + size - start
            place = start + deltas[0], address + start - physical, start, rest, rest, align
            found.append((kind, flags, *place))
    return found


def mend(source: str, target: str) -> None:
    """Copies a dump to `target`, with program headers as they should be."""
    shutil.copyfile(source, target)
    with open(target, "r+b") as file:
        header = list(_HEADER.unpack(file.read(_HEADER.size)))
        start, count = header[5], header[10]
        file.seek(start)
        segments = [_SEGMENT.unpack(file.read(_SEGMENT.size)) for _ in range(count)]
        segments = _mended(segments)
        header[5], header[10] = file.seek(0, 2), len(segments)
        for segment in segments:
            file.write(_SEGMENT.pack(*segment))
        file.seek(0)
        file.write(_HEADER.pack(*header))
