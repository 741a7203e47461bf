"""What is needed of an ELF file: its build id, its functions, its sections' places.

Layouts: System V gABI, chapters 4 and 5.
"""

import bisect
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_PROGBITS, _SYMTAB, _NOTE = 1, 2, 7
_FUNCTION = 2
_SHARED_OBJECT = 3
_BUILD_ID = 3


def is_build_id(note: bytes) -> bool:
    """Whether these bytes are a note with a build id: sizes of owner and value, type, "GNU"."""
    return note[:4] == b"\4\0\0\0" and note[8:16] == struct.pack("<I4s", _BUILD_ID, b"GNU\0")


def shown(note: bytes) -> str:
    """The start of the build id in a note."""
    return note[16:22].hex() if is_build_id(note) else "none"


@dataclass(frozen=True)
class Section:
    """A section header."""

    name: str
    kind: int
    address: int
    offset: int
    size: int
    link: int


class Elf:
    """A 64-bit little-endian ELF file."""

    def __init__(self, path: str):
        self.path = path
        with open(path, "rb") as file:
            self.bytes = file.read()
        if self.bytes[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is not a 64-bit ELF file")

    @property
    def movable(self) -> bool:
        """Whether its addresses count from wherever it is loaded."""
        return _HEADER.unpack_from(self.bytes)[1] == _SHARED_OBJECT

    @cached_property
    def sections(self) -> list[Section]:
        """All sections, in the file's order."""
        header = _HEADER.unpack_from(self.bytes)
        start, count, names_at = header[6], header[12], header[13]
        raw = [_SECTION.unpack_from(self.bytes, start + i * _SECTION.size) for i in range(count)]
        names = raw[names_at][4] if count else 0
        return [
            Section(self._string(names + name), kind, address, offset, size, link)
            for name, kind, _, address, offset, size, link, *_ in raw
        ]

    def _string(self, at: int) -> str:
        return self.bytes[at : self.bytes.index(b"\0", at)].decode(errors="replace")

    @cached_property
    def build_id(self) -> Optional[tuple[int, bytes]]:
        """Where the note with the build id lies in memory, and the whole note."""
        for section in self.sections:
            if section.kind == _NOTE and section.name == ".note.gnu.build-id":
                note = self.bytes[section.offset : section.offset + section.size]
                if is_build_id(note):
                    return section.address, note
        return None

    @cached_property
    def identity(self) -> Optional[tuple[int, bytes]]:
        """What tells a program from others in memory, and where: its build id, or, where the linker
        made none, the code at its entry."""
        entry = _HEADER.unpack_from(self.bytes)[4]
        if self.build_id is None:
            for section in self.sections:
                inside = entry - section.address
                if section.kind == _PROGBITS and 0 <= inside < section.size:
                    start = section.offset + inside
                    return entry, self.bytes[start : min(start + 64, section.offset + section.size)]
        return self.build_id

    @cached_property
    def _symbols(self) -> list[tuple[int, int, str, int]]:
        """Address, size, name and type of every symbol that has a place, by address."""
        found = []
        for section in self.sections:
            if section.kind != _SYMTAB:
                continue
            strings = self.sections[section.link].offset
            table = self.bytes[section.offset : section.offset + section.size]
            for name, info, _, where, value, size in _SYMBOL.iter_unpack(table):
                if where:
                    found.append((value, size, self._string(strings + name), info & 15))
        return sorted(found)

    def address_of(self, symbol: str) -> Optional[int]:
        """The address of a symbol, by the linker's name."""
        return next((value for value, _, name, _ in self._symbols if name == symbol), None)

    @cached_property
    def _functions(self) -> list[tuple[int, int, str]]:
        return [symbol[:3] for symbol in self._symbols if symbol[3] == _FUNCTION]

    def function_at(self, address: int) -> Optional[tuple[str, int]]:
        """The function an address lies in, as the linker knows it, and how far inside."""
        index = bisect.bisect(self._functions, (address, 1 << 64, "")) - 1
        if index < 0:
            return None
        start, size, name = self._functions[index]
        return (name, address - start) if address - start < max(size, 1) else None
