"""Walks one way through the kernel, instruction by instruction (run by gdb, see path.sh).

Prints each instruction with the function and line it was compiled from, then how many there were in
each stage, and what memory they touched. A stage is where in the source the instruction comes from,
inlined or not.
"""

import os
import re

import gdb

# By a part of the path; the first that fits. What fits none belongs to the stage before it.
STAGES = [
    ("kernel/src/trap.rs", "decode"),
    ("kernel/src/syscall/", "decode"),
    ("kernel/core/src/syscall.rs", "decode"),
    ("kernel/abi/src/", "decode"),
    ("arch/src/x86_64/frame.rs", "decode"),
    ("kernel/core/src/trace", "act"),
    ("kernel/core/src/", "decide"),
    ("kernel/src/", "act"),
    ("arch/src/x86_64/clock.rs", "act"),
    ("arch/src/x86_64/irq.rs", "act"),
    ("arch/src/x86_64/apic", "act"),
    ("arch/src/x86_64/timer.rs", "act"),
    ("arch/src/x86_64/", "switch"),
]
# The routines in assembly, by the beginning of their names.
LABELS = [("syscall_entry", "entry"), ("vector_", "entry"), ("trap_common", "entry"),
          ("trap_exit", "exit"), ("interrupt_exit", "exit"), ("resume_at_exit", "exit"),
          ("resume_in_kernel", "switch"), ("return_in_kernel", "switch"), ("suspend_context", "switch"),
          ("leave_context", "switch"), ("switch_context", "switch")]
ORDER = ["entry", "decode", "decide", "act", "switch", "exit", "program"]
MOST = 1000
# How often the way is gone before it is looked at.
WARM = 100
KERNEL = 1 << 63

MEMORY = re.compile(r"(?:%(?P<segment>[fg]s):)?(?P<offset>-?0x[0-9a-f]+)?"
                    r"(?:\((?:%(?P<base>\w+))?(?:,%(?P<index>\w+)(?:,(?P<scale>\d))?)?\))?(?=,|$|\s)")
# What they touch besides an operand, from rsp on: bytes.
STACK = {"push": -8, "pushf": -8, "call": -8, "pop": 0, "popf": 0, "ret": 0, "iretq": 0}
WORDS = {"iretq": 5}
# An XSAVE image with AVX state is 832 bytes, FXSAVE's 512.
IMAGES = {"xsave64": 832, "xrstor64": 832, "fxsave64": 512, "fxrstor64": 512}
LINE, PAGE = 64, 4096


def source_of(frame):
    """The innermost place in our own source that the instruction was compiled from."""
    while frame is not None:
        place = frame.find_sal()
        if place.symtab and any(part in place.symtab.filename for part, _ in STAGES):
            return place.symtab.filename, place.line
        if frame.type() != gdb.INLINE_FRAME:
            return None
        frame = frame.older()
    return None


def stage_of(label, place, before):
    """The stage of an instruction below `label`, from `place`, that follows one of stage `before`."""
    for start, stage in LABELS:
        if label.startswith(start):
            # What comes after the handler has returned leads out.
            return "exit" if stage == "entry" and before not in ("entry", "program") else stage
    if place is None:
        return before if before != "program" else "entry"
    return next((stage for part, stage in STAGES if part in place[0]), before)


def label_at(address):
    """The assembly label or function that holds `address`."""
    said = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return said.split(" in section")[0].split(" + ")[0]


def register(name):
    """Its value, as an unsigned number."""
    return int(gdb.parse_and_eval(f"${name}")) % (1 << 64)


def touched(text):
    """The lines of memory that an instruction is about to touch."""
    name, _, rest = text.partition(" ")
    operands, _, comment = rest.partition("#")
    places = []
    if name in STACK:
        start = register("rsp") + STACK[name]
        places += [start + 8 * word for word in range(WORDS.get(name, 1))]
    if not name.startswith(("lea", "nop")) and not (name[0] == "j" and "*" not in operands):
        for found in MEMORY.finditer(operands.strip().replace("*", "")):
            if found["base"] or found["index"] or found["segment"]:
                start = address_of(found, comment)
                places += range(start, start + IMAGES.get(name, 1), LINE)
    return {place // LINE for place in places}


def address_of(operand, comment):
    """Where the operand lies; gdb has worked it out itself if it is relative to rip."""
    if operand["base"] == "rip":
        return int(comment.split()[0], 16)
    address = int(operand["offset"] or "0", 16)
    if operand["segment"]:
        address += register(operand["segment"] + "_base")
    if operand["base"]:
        address += register(operand["base"])
    if operand["index"]:
        address += register(operand["index"]) * int(operand["scale"] or "1")
    return address % (1 << 64)


def walk(lasts):
    """Steps until the next time here, or, unless that `lasts`, until ring 3; not for ever."""
    stage, entered = "entry", gdb.newest_frame().pc()
    for count in range(MOST):
        frame = gdb.newest_frame()
        address = frame.pc()
        if count and (address == entered or (address < KERNEL and not lasts)):
            return
        if address < KERNEL:
            place, label, stage = None, "ring 3", "program"
        else:
            place, label = source_of(frame), label_at(address)
            stage = stage_of(label, place, stage)
        text = frame.architecture().disassemble(address)[0]["asm"]
        yield stage, label, place, address, text
        gdb.execute("stepi", to_string=True)


def steps():
    """The instructions of the way asked for, with the memory each touches."""
    start, number = os.environ["FROM"], os.environ["NUMBER"]
    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    entry = gdb.Breakpoint(start, internal=True)
    if number:
        entry.condition = f"$rax == {number}"
    entry.ignore_count = WARM
    gdb.execute("continue", to_string=True)
    while True:
        if number or struck_a_program():
            entry.enabled = False
            found = [(*step, touched(step[4])) for step in walk(bool(number))]
            # A tick that switches nobody is not the one that was asked for, nor one that leads to a
            # task of the kernel.
            switched = any(label == "switch_context" for _, label, *_ in found)
            if len(found) < MOST and (number or switched):
                return found
            entry.enabled = True
        gdb.execute("continue", to_string=True)


def struck_a_program():
    """Whether the interrupt that was just taken came from ring 3: CS is on the stack, behind RIP."""
    place = register("rsp") + 8
    return gdb.selected_inferior().read_memory(place, 1).tobytes()[0] & 3 != 0


def main(out):
    """Prints the walk and the sums."""
    counts, last = dict.fromkeys(ORDER, 0), None
    code, data = set(), set()
    for stage, label, place, address, text, lines in steps():
        counts[stage] += 1
        code.add(address // LINE)
        data |= lines
        where = f"{os.path.basename(place[0])}:{place[1]}" if place else ""
        if (stage, label) != last:
            print(f"\n{stage}: {label}", file=out)
            last = stage, label
        print(f"  {address:016x}  {text:<60} {where}".rstrip(), file=out)
    print("\ninstructions: " + ", ".join(f"{stage} {counts[stage]}" for stage in ORDER)
          + f"; together {sum(counts.values())}", file=out)
    for name, lines in (("code", code), ("data", data)):
        pages = {line * LINE // PAGE for line in lines}
        print(f"{name}: {len(lines)} cache lines in {len(pages)} pages", file=out)
    gdb.execute("kill")


with open(os.environ["TO"], "w", encoding="utf-8") as walked:
    main(walked)
