"""Walks one system call through the kernel, instruction by instruction (run by gdb, see path.sh).

Prints each instruction with the function and line it was compiled from, then how many there were in
each stage. A stage is where in the source the instruction comes from, inlined or not.
"""

import os

import gdb

# The first that fits, by a part of the path; what fits none belongs to the stage before it.
STAGES = [
    ("kernel/src/trap.rs", "decode"),
    ("kernel/src/syscall/", "decode"),
    ("kernel/core/src/syscall.rs", "decode"),
    ("kernel/abi/src/", "decode"),
    ("kernel/core/src/trace.rs", "act"),
    ("kernel/core/src/", "decide"),
    ("kernel/src/", "act"),
    ("arch/src/x86_64/clock.rs", "act"),
    ("arch/src/x86_64/irq.rs", "act"),
    ("arch/src/", "switch"),
]
ORDER = ["entry", "decode", "decide", "act", "switch", "exit"]
ENTRY, EXIT = "syscall_entry", "trap_exit"
MOST = 5000


def source_of(frame):
    """The innermost place in our own source that the instruction was compiled from."""
    while frame is not None:
        place = frame.find_sal()
        if place.symtab and not place.symtab.filename.startswith("/rustc"):
            if any(part in place.symtab.filename for part, _ in STAGES):
                return place.symtab.filename, place.line
        if frame.type() != gdb.INLINE_FRAME:
            return None
        frame = frame.older()
    return None


def stage_of(label, place, before):
    """The stage of an instruction below `label`, from `place`, that follows one of stage `before`."""
    if label in (ENTRY, EXIT):
        return "entry" if label == ENTRY else "exit"
    if place is None:
        return before
    return next((stage for part, stage in STAGES if part in place[0]), before)


def label_at(address):
    """The assembly label or function that holds `address`."""
    said = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return said.split(" in section")[0].split(" + ")[0]


def walk(number, skip):
    """Steps from the entry of call `number` to ring 3; yields each instruction."""
    gdb.execute("set pagination off")
    entry = gdb.Breakpoint(ENTRY, internal=True)
    entry.condition = f"$rax == {number}"
    entry.ignore_count = skip
    gdb.execute("continue", to_string=True)
    entry.delete()
    stage = "entry"
    for _ in range(MOST):
        frame = gdb.newest_frame()
        address = frame.pc()
        if address < 1 << 63:
            return
        place, label = source_of(frame), label_at(address)
        stage = stage_of(label, place, stage)
        text = frame.architecture().disassemble(address)[0]["asm"]
        yield stage, label, place, address, text
        gdb.execute("stepi", to_string=True)
    raise gdb.GdbError(f"not back in ring 3 after {MOST} instructions")


def main():
    """Prints the walk and the sums."""
    counts = dict.fromkeys(ORDER, 0)
    last = None
    for stage, label, place, address, text in walk(os.environ["NUMBER"], int(os.environ["SKIP"])):
        counts[stage] += 1
        where = f"{os.path.basename(place[0])}:{place[1]}" if place else ""
        if (stage, label) != last:
            print(f"\n{stage}: {label}")
            last = stage, label
        print(f"  {address:016x}  {text:<60} {where}")
    print("\ninstructions: " + ", ".join(f"{stage} {counts[stage]}" for stage in ORDER)
          + f"; together {sum(counts.values())}")
    gdb.execute("kill")


main()
