//! What the debug devices of QEMU and Bochs offer: leaving with an exit code, saying that the kernel
//! panicked, and writing to a file of the host.
//!
//! All are harmless where the devices do not exist: nothing listens at these ports.

use core::fmt::{self, Write};

use x86_64::instructions::{hlt, interrupts, port::Port};

use super::serial;

/// Port of `-device isa-debug-exit,iobase=0xf4,iosize=4`.
const DEBUG_EXIT: u16 = 0xf4;
/// Where Bochs ends its run when it reads [`SHUTDOWN`] (its iodev/unmapped.cc).
const BOCHS_SHUTDOWN: u16 = 0x8900;
const SHUTDOWN: [u8; 8] = *b"Shutdown";

/// Port of `-device pvpanic`.
const PVPANIC: u16 = 0x505;
/// pvpanic event bit 0: the guest panicked (QEMU docs/specs/pvpanic).
const PANICKED: u8 = 1;

/// Port of QEMU's `-debugcon` and Bochs's `port_e9_hack`; reading it gives its own number.
const DEBUG_CONSOLE: u16 = 0xe9;

/// Exit code: everything that ran ended well. QEMU ends with 33.
pub const SUCCESS: u8 = 0x10;
/// Exit code: a program failed, or something was lost. QEMU ends with 35.
pub const PROGRAM_FAILED: u8 = 0x11;
/// Exit code: the kernel panicked. QEMU ends with 37.
pub const PANIC: u8 = 0x12;

/// Ends the machine, after its serial line has sent everything: QEMU with process exit code
/// `code * 2 + 1`; Bochs, whose own says nothing, with the line `exit CODE` on the debug console.
/// Without either, stops this CPU for ever.
pub fn exit(code: u8) -> ! {
    interrupts::disable();
    serial::wait_until_sent();
    if let Some(mut console) = DebugConsole::find() {
        // The console takes everything.
        let _ = writeln!(console, "exit {code}");
    }
    // SAFETY: the port ends the machine or does nothing; no memory is involved.
    unsafe { Port::new(DEBUG_EXIT).write(code) };
    for byte in SHUTDOWN {
        // SAFETY: as above, after the last byte.
        unsafe { Port::new(BOCHS_SHUTDOWN).write(byte) };
    }
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

/// A file or stream of the host: `-debugcon` of QEMU, the standard output of Bochs.
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

impl Write for DebugConsole {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut port = Port::new(DEBUG_CONSOLE);
        for byte in text.bytes() {
            // SAFETY: the device hands the byte to the host; no memory is involved.
            unsafe { port.write(byte) };
        }
        Ok(())
    }
}
