//! Calls that do nothing: what getting into the kernel and out of it costs.

use core::arch::asm;

use ulib::sys;

use crate::Refusal;
use crate::clock::{Clock, now};
use crate::samples::Samples;

/// Calls in a sample.
const BATCH: u64 = 200;

/// `getpid`, the shortest call there is.
pub(crate) fn getpid(clock: &Clock) -> Result<(), Refusal> {
    timed(clock, "syscall_getpid", || {
        // SAFETY: the call touches no memory of the program.
        unsafe { sys::getpid() };
    });
    Ok(())
}

/// A call that does not exist.
pub(crate) fn unknown(clock: &Clock) -> Result<(), Refusal> {
    timed(clock, "syscall_enosys", || {
        // SAFETY: a number without a call names no memory; the kernel keeps all other registers.
        unsafe {
            asm!("syscall", inlateout("rax") 100_000 => _, lateout("rcx") _, lateout("r11") _,
                 options(nostack));
        }
    });
    Ok(())
}

/// Times `call` in batches.
pub(crate) fn timed(clock: &Clock, name: &str, call: impl Fn()) {
    let mut samples = Samples::new();
    (0..3 * BATCH).for_each(|_| call());
    for _ in 0..clock.samples(101, 201) {
        let start = now();
        (0..BATCH).for_each(|_| call());
        samples.add(now() - start, BATCH);
    }
    samples.report(name, clock.unit(), "call");
}
