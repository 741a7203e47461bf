//! What QEMU's debug devices offer: leaving with an exit code, saying that the kernel panicked, and
//! writing to a file of the host.
//!
//! All are harmless where the devices do not exist: nothing listens at these ports.

use core::fmt;

use x86_64::instructions::{hlt, interrupts, port::Port};

/// Port of `-device isa-debug-exit,iobase=0xf4,iosize=4`.
const DEBUG_EXIT: u16 = 0xf4;
/// Port of `-device pvpanic`.
const PVPANIC: u16 = 0x505;
/// pvpanic event bit 0: the guest panicked (QEMU docs/specs/pvpanic).
const PANICKED: u8 = 1;

/// Port of `-debugcon`; reading it gives its own number (as in Bochs; QEMU hw/char/debugcon.c).
const DEBUG_CONSOLE: u16 = 0xe9;

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

/// A file or stream of the host that QEMU was given with `-debugcon`.
#[derive(Debug)]
pub struct DebugConsole(());

impl DebugConsole {
    /// The debug console, if the machine has one.
    #[must_use]
    pub fn find() -> Option<Self> {
        // SAFETY: reading the port has no effect on the device, and no memory is involved.
        let answer = unsafe { Port::<u8>::new(DEBUG_CONSOLE).read() };
        (u16::from(answer) == DEBUG_CONSOLE).then_some(Self(()))
    }
}

impl fmt::Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut port = Port::new(DEBUG_CONSOLE);
        for byte in text.bytes() {
            // SAFETY: the device hands the byte to the host; no memory is involved.
            unsafe { port.write(byte) };
        }
        Ok(())
    }
}
