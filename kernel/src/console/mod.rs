//! The console: everything the machine shows, on the serial port and on the screen.
//!
//! [`log`] writes a line of the kernel's, at any time, from the first line of boot on; it never
//! blocks and loses nothing. [`emergency`] is the same for a panic, without locks. What programs
//! write comes through `terminal`, which uses [`with_output`] below it.
//!
//! Two locks: the terminal's state ([`TERMINAL`]: sessions, focus, unfinished lines, all of it
//! `orbital_core::tty`), then the devices ([`Output`]). An interrupt handler takes the second only.

mod output;
mod screen;

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use bootloader_api::info::FrameBuffer;
use orbital_core::process::Pid;
use orbital_core::tty::{Formatted, Terminal};

use crate::sync::{Lock, Order};

pub(crate) use output::{Interrupt, Output, note_work, take_work};

/// Sessions, focus, and what stands on the last line of the screen.
pub(crate) static TERMINAL: Lock<Terminal> = Lock::new(Order::Sessions, Terminal::empty());

/// What is on its way to the devices, and the devices.
static OUTPUT: Lock<Output> = Lock::new(Order::Output, Output::new());

/// Finds the serial port. Called once, before anything else.
pub(crate) fn init() {
    OUTPUT.with(Output::find_serial_port);
}

/// Starts the screen, which then shows what has been written so far. Called once, when memory can
/// be allocated; without memory for it, there is no screen.
pub(crate) fn start_screen(framebuffer: FrameBuffer) {
    OUTPUT.with(|output| output.start_screen(framebuffer));
}

/// Writes a line of the kernel's.
pub(crate) fn log(text: fmt::Arguments<'_>) {
    with_terminal(|terminal, output| {
        terminal.line(text, &mut |bytes| output.push(bytes));
        output.pump();
    });
}

/// Writes what a program gave to the kernel's log.
pub(crate) fn log_program(pid: Pid, bytes: &[u8]) {
    with_terminal(|terminal, output| {
        terminal.log(pid, bytes, &mut |bytes| output.push(bytes));
        output.pump();
    });
}

/// Uses the terminal's state and the devices.
pub(crate) fn with_terminal<R>(user: impl FnOnce(&mut Terminal, &mut Output) -> R) -> R {
    TERMINAL.with(|terminal| OUTPUT.with(|output| user(terminal, output)))
}

/// Uses the devices alone.
pub(crate) fn with_output<R>(user: impl FnOnce(&mut Output) -> R) -> R {
    OUTPUT.with(user)
}

/// Whether [`emergency`] has written before.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Writes a further line for a panic, on the serial port only; after [`emergency`].
pub(crate) fn emergency_detail(text: fmt::Arguments<'_>) {
    // SAFETY: as in `emergency`.
    let output = unsafe { OUTPUT.steal() };
    let _ = fmt::write(&mut Formatted(&mut |bytes| output.emergency_serial(bytes)), text);
    output.emergency_serial(b"\n");
}

/// Writes a line for a panic: first what is still on its way, then this, without locks.
pub(crate) fn emergency(text: fmt::Arguments<'_>) {
    // SAFETY: a panic does not return, interrupts are off and there is one CPU: whoever was using
    // the value does not go on. It may be half changed, but all it holds is plain data.
    let output = unsafe { OUTPUT.steal() };
    output.flush();
    if !INTERRUPTED.swap(true, Ordering::Relaxed) {
        // Whatever line and colour the panic came into ends here.
        output.emergency(b"\x1b[0m\n");
    }
    let _ = fmt::write(&mut Formatted(&mut |bytes| output.emergency(bytes)), text);
    output.emergency(b"\n");
}
