//! The end of the kernel: says what happened, where, how it came there and who ran before, tells
//! the machine, and leaves.
//!
//! Nothing here takes a lock or allocates: whatever was going on may be half done.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use orbital_arch::{backtrace, irq, qemu};

use crate::console::{emergency, emergency_detail};
use crate::sched::TRACE;
use crate::{record, time};

/// How many of the last switches a panic shows.
const SWITCHES: usize = 64;

static PANICKED: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    irq::disable();
    if PANICKED.swap(true, Ordering::Relaxed) {
        qemu::exit(qemu::PANIC);
    }
    emergency(format_args!("[kernel] panic: {info}"));
    emergency(format_args!("[kernel] backtrace (addr2line -f -e kernel.elf names the addresses):"));
    // SAFETY: the section lies between its two symbols for as long as the kernel runs.
    unsafe {
        backtrace::walk(eh_frame(), &mut |frame| {
            emergency(format_args!("[kernel]   {:#018x}", frame.rip));
        });
    }
    show_switches();
    // SAFETY: a panic does not return, interrupts are off, and there is one CPU.
    unsafe { record::finish() };
    qemu::panicked();
    qemu::exit(qemu::PANIC)
}

/// Shows the last switches on the serial port; a screen would lose the lines above.
fn show_switches() {
    // SAFETY: a panic does not return, interrupts are off, and there is one CPU.
    let ring = unsafe { TRACE.steal() };
    emergency_detail(format_args!("[kernel] last switches (microseconds since boot):"));
    for (number, event) in ring.last(SWITCHES) {
        let micros = time::nanos_at(event.time) / 1000;
        let (from, to, why, rip) = (event.from, event.to, event.why.word(), event.rip);
        emergency_detail(format_args!(
            "[kernel]   #{number} {micros:>9} pid {from} -> {to} {why} at {rip:#x}"
        ));
    }
}

unsafe extern "C" {
    static __eh_frame_start: u8;
    static __eh_frame_end: u8;
}

/// The kernel's unwind tables, where `linker/kernel.ld` puts them.
fn eh_frame() -> &'static [u8] {
    let start = &raw const __eh_frame_start;
    let length = (&raw const __eh_frame_end).addr() - start.addr();
    // SAFETY: the linker puts both symbols around one read-only section.
    unsafe { core::slice::from_raw_parts(start, length) }
}
