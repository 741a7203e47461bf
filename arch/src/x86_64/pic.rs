//! The two 8259 interrupt controllers: moved out of the way and silenced.
//!
//! Interrupts come through the I/O APIC. A masked 8259 can still raise its spurious interrupt
//! (IRQ 7 or 15), so both are remapped away from the exception vectors first. The trap handler
//! passes [`SPURIOUS_FIRST`] and [`SPURIOUS_SECOND`] to [`spurious`], which needs no more.

use x86_64::instructions::port::Port;

/// First of the sixteen vectors the controllers are remapped to: used for nothing else.
pub const VECTOR_BASE: u8 = 0xe0;
/// Vector of the first controller's spurious interrupt.
pub const SPURIOUS_FIRST: u64 = VECTOR_BASE as u64 + 7;
/// Vector of the second controller's spurious interrupt.
pub const SPURIOUS_SECOND: u64 = VECTOR_BASE as u64 + 15;

const COMMAND: [u16; 2] = [0x20, 0xa0];
const DATA: [u16; 2] = [0x21, 0xa1];

/// ICW1: edge triggered, cascaded, ICW4 follows (Intel 8259A data sheet).
const ICW1_INIT: u8 = 0x11;
/// ICW4: 8086 mode, normal end of interrupt.
const ICW4_8086: u8 = 0x01;
/// OCW3: the next read of the command port gives the in-service register.
const OCW3_READ_IN_SERVICE: u8 = 0x0b;
const NON_SPECIFIC_EOI: u8 = 0x20;

/// Remaps both controllers to [`VECTOR_BASE`] and masks all their lines. Call before the first
/// `sti`.
pub fn mask_all() {
    // Input 2 of the first leads to the second: a bit mask for one, a number for the other.
    let cascade = [1 << 2, 2];
    for chip in 0..2 {
        let offset = if chip == 0 { VECTOR_BASE } else { VECTOR_BASE + 8 };
        write(DATA[chip], 0xff);
        write(COMMAND[chip], ICW1_INIT);
        write(DATA[chip], offset);
        write(DATA[chip], cascade[chip]);
        write(DATA[chip], ICW4_8086);
        write(DATA[chip], 0xff);
    }
}

/// Handles an interrupt on one of the controllers' vectors. True if it was spurious (nothing in
/// service), false if a masked line was delivered all the same; either way it is acknowledged.
///
/// A spurious IRQ 15 came through the first controller, which did see a real request and needs
/// its end of interrupt; a spurious interrupt itself must not get one. The local APIC has no part
/// in it: its input for the controllers is masked.
pub fn spurious(vector: u64) -> bool {
    let line = vector.wrapping_sub(u64::from(VECTOR_BASE)) & 0xf;
    let chip = usize::from(line >= 8);
    write(COMMAND[chip], OCW3_READ_IN_SERVICE);
    let real = read(COMMAND[chip]) & (1 << (line & 7)) != 0;
    if real {
        write(COMMAND[chip], NON_SPECIFIC_EOI);
    }
    if chip == 1 {
        write(COMMAND[0], NON_SPECIFIC_EOI);
    }
    !real
}

fn read(port: u16) -> u8 {
    // SAFETY: only this module drives the 8259s, and they cannot change memory.
    unsafe { Port::new(port).read() }
}

/// Writes, then passes the time that a slow controller needs between two writes: an access to the
/// unused POST code port takes about a microsecond on an ISA bus.
fn write(port: u16, value: u8) {
    // SAFETY: only this module drives the 8259s, and they cannot change memory.
    unsafe { Port::new(port).write(value) };
    // SAFETY: port 0x80 shows POST codes; nothing else listens.
    unsafe { Port::new(0x80).write(0_u8) };
}
