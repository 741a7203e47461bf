"""A core file of one task: what `orbital bt` shows of a task that is not on the CPU.

gdb unwinds from registers and memory. Of a task that was switched out both lie in the kernel's
tables, so they are written to a core file as a debugger expects one (System V gABI, chapter 5, with
Linux's NT_PRSTATUS note), and another gdb reads that. The machine under test is only read.
"""

import struct

_PRSTATUS = 1
# struct elf_prstatus of Linux on x86-64: pid at 32, the 27 words of user_regs_struct at 112.
_PRSTATUS_SIZE, _PID_AT, _REGISTERS_AT = 336, 32, 112
_REGISTERS = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax "
    "rip cs rflags rsp ss fs_base gs_base ds es fs gs"
).split()
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_LOAD, _NOTE, _READ = 1, 4, 4


def core_file(registers: dict[str, int], memory: list[tuple[int, bytes]]) -> bytes:
    """The core file of a task with these registers and these pieces of memory."""
    status = bytearray(_PRSTATUS_SIZE)
    struct.pack_into("<I", status, _PID_AT, 1)
    values = [registers.get(name, 0) for name in _REGISTERS]
    struct.pack_into("<27Q", status, _REGISTERS_AT, *values)
    note = struct.pack("<III8s", 5, len(status), _PRSTATUS, b"CORE") + bytes(status)

    pieces = [(_NOTE, 0, note)] + [(_LOAD, address, piece) for address, piece in memory]
    offset = _HEADER.size + len(pieces) * _SEGMENT.size
    segments, contents = b"", b""
    for kind, address, piece in pieces:
        size = len(piece)
        place = offset + len(contents)
        segments += _SEGMENT.pack(kind, _READ, place, address, 0, size, size, 1)
        contents += piece
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    core, x86_64 = 4, 62
    count = len(pieces)
    header = _HEADER.pack(
        ident, core, x86_64, 1, 0, _HEADER.size, 0, 0, _HEADER.size, _SEGMENT.size, count, 0, 0, 0
    )
    return header + segments + contents
