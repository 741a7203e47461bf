//! What interrupts what: the vectors the kernel tells apart (SDM volume 3, section 6.3.1).

/// A debug exception.
pub const DEBUG: u64 = 1;
/// The non-maskable interrupt.
pub const NMI: u64 = 2;
/// `int3`.
pub const BREAKPOINT: u64 = 3;
/// A fault on the way into the kernel, for example because its stack is used up.
pub const DOUBLE_FAULT: u64 = 8;
/// A page fault.
pub const PAGE_FAULT: u64 = 14;
/// A machine check.
pub const MACHINE_CHECK: u64 = 18;
/// The first vector that is not an exception.
pub const FIRST_INTERRUPT: u64 = 32;
/// The local APIC's timer.
pub const TIMER: u64 = super::apic::TIMER_VECTOR as u64;
/// The PS/2 keyboard.
pub const KEYBOARD: u64 = 0x21;
/// The serial port.
pub const SERIAL: u64 = 0x24;
/// What the local APIC delivers when an interrupt is gone before it is taken.
pub const SPURIOUS: u64 = super::apic::SPURIOUS_VECTOR as u64;
