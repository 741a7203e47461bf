//! What QEMU's debug devices offer: leaving with an exit code, and saying that the kernel panicked.
//!
//! Both are harmless where the devices do not exist: nothing listens at these ports.

use x86_64::instructions::{hlt, interrupts, port::Port};

/// Port of `-device isa-debug-exit,iobase=0xf4,iosize=4`.
const DEBUG_EXIT: u16 = 0xf4;
/// Port of `-device pvpanic`.
const PVPANIC: u16 = 0x505;
/// pvpanic event bit 0: the guest panicked (QEMU docs/specs/pvpanic).
const PANICKED: u8 = 1;

/// Exit code: everything that ran ended well. QEMU ends with 33.
pub const SUCCESS: u8 = 0x10;
/// Exit code: a program failed, or something was lost. QEMU ends with 35.
pub const PROGRAM_FAILED: u8 = 0x11;
/// Exit code: the kernel panicked. QEMU ends with 37.
pub const PANIC: u8 = 0x12;

/// Leaves QEMU with process exit code `code * 2 + 1`; without QEMU, stops this CPU for ever.
pub fn exit(code: u8) -> ! {
    // SAFETY: the port ends the machine or does nothing; no memory is involved.
    unsafe { Port::new(DEBUG_EXIT).write(code) };
    interrupts::disable();
    loop {
        // An NMI ends a `hlt`.
        hlt();
    }
}

/// Tells a listening QEMU that the kernel panicked.
pub fn panicked() {
    // SAFETY: the device only reports the event to whoever runs the machine.
    unsafe { Port::new(PVPANIC).write(PANICKED) };
    // Told to stand still, TCG does so at the end of a block of instructions; a pause ends one.
    core::hint::spin_loop();
}
