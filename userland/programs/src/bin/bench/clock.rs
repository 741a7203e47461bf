//! The time-stamp counter, and what a tick of it means on this machine.

use core::arch::asm;
use core::arch::x86_64::_rdtsc;

use ulib::time;

use crate::Refusal;
use crate::samples::{Samples, value};

/// The time-stamp counter.
#[inline(always)]
pub(crate) fn now() -> u64 {
    // SAFETY: reading the counter has no effect.
    unsafe { _rdtsc() }
}

/// What a tick means.
pub(crate) struct Clock {
    /// One tick is one instruction, and one virtual nanosecond.
    pub(crate) counts_instructions: bool,
    /// Ticks in a millisecond.
    pub(crate) per_millisecond: u64,
    /// When this program started, in nanoseconds since the kernel did.
    started: u64,
    /// What the counter said then.
    started_tsc: u64,
}

impl Clock {
    /// Finds out what a tick means.
    ///
    /// # Errors
    /// It must be an instruction, and is not: what a loop of 10,000 instructions takes.
    pub(crate) fn calibrate(
        must_count: bool,
        [started, started_tsc]: [u64; 2],
    ) -> Result<Self, u64> {
        // The loop has one instruction more, and the two readings of the counter a few.
        let ticks = loops().median();
        let counts_instructions = (10_000..10_016).contains(&ticks);
        if must_count && !counts_instructions {
            return Err(ticks);
        }
        let rate = if must_count { 1_000_000 } else { measured_rate() };
        Ok(Self { counts_instructions: must_count, per_millisecond: rate, started, started_tsc })
    }

    /// What figures are in.
    pub(crate) const fn unit(&self) -> &'static str {
        if self.counts_instructions { "instructions" } else { "ticks" }
    }

    /// A span of the counter in nanoseconds.
    pub(crate) const fn nanos(&self, ticks: u64) -> u64 {
        ticks * 1_000_000 / self.per_millisecond
    }

    /// A span of time in ticks.
    pub(crate) const fn ticks(&self, micros: u64) -> u64 {
        micros * self.per_millisecond / 1000
    }

    /// As many samples as are worth their time where time is virtual, and where it is not.
    pub(crate) const fn samples(&self, counted: usize, timed: usize) -> usize {
        if self.counts_instructions { counted } else { timed }
    }
}

/// What the loop of known length takes, and the counter itself.
pub(crate) fn calibration(clock: &Clock) -> Result<(), Refusal> {
    let mut long = Samples::new();
    for _ in 0..15 {
        let start = now();
        spin(500_000);
        long.add(now() - start, 1_000_000);
    }
    long.report("calib_loop", clock.unit(), "loop instruction");
    loops().report("calib_10000", clock.unit(), "10000-instruction loop");
    let mut pairs = Samples::new();
    for _ in 0..101 {
        let start = now();
        pairs.add(now() - start, 1);
    }
    pairs.report("rdtsc_pair", clock.unit(), "pair");
    value("tsc_khz", clock.per_millisecond * 1000, "kHz");
    Ok(())
}

/// The kernel's own part of the boot, from its first instruction to this program's, and the counter
/// then: the whole boot, with firmware and boot loader. Means something only if this is what was
/// started at boot.
pub(crate) fn boot(clock: &Clock) -> Result<(), Refusal> {
    value("boot.kernel_ms", clock.started / 1000, "ms");
    value("boot_tsc", clock.started_tsc * 1000, "ticks");
    Ok(())
}

fn loops() -> Samples {
    let mut samples = Samples::new();
    for _ in 0..31 {
        let start = now();
        spin(5000);
        samples.add(now() - start, 1);
    }
    samples
}

/// Executes `2 * turns` instructions.
#[inline(always)]
fn spin(turns: u64) {
    // SAFETY: it changes a register that is listed, and the flags.
    unsafe {
        asm!("2:", "dec {0}", "jnz 2b", inout(reg) turns => _, options(nomem, nostack));
    }
}

/// Ticks in a millisecond, by the kernel's clock.
fn measured_rate() -> u64 {
    const SPAN: u64 = 50_000_000;
    let clock = || time::clock().unwrap_or(0);
    let (start, from) = (clock(), now());
    loop {
        let (passed, ticks) = (clock() - start, now() - from);
        if passed >= SPAN {
            return ticks * 1_000_000 / passed;
        }
    }
}
