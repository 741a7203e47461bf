//! What the timer does: forced switches, ticks that switch nobody, sleeping.

use ulib::abi::sched::SET_WEIGHT;
use ulib::{machine, process, time};

use crate::clock::{Clock, now};
use crate::crowd::Crowd;
use crate::samples::{Samples, value};
use crate::{Refusal, policy};

/// A slice, in microseconds, where time is virtual and where it is not.
const SLICE: (u64, u64) = (100, 1000);

/// A busy process is taken from the CPU for another: from its last look at the clock to the
/// other's first.
///
/// The other is `tiny spin`: it ends when it has lost the CPU and got it back, and its exit code is
/// when that was.
pub(crate) fn preempt_switch(clock: &Clock) -> Result<(), Refusal> {
    let slice = if clock.counts_instructions { SLICE.0 } else { SLICE.1 };
    let _policy = policy::during("round-robin", slice * 1000)?;
    let mut samples = Samples::new();
    for _ in 0..clock.samples(41, 41) {
        let other = Crowd::start(1, b"tiny\0spin\0")?;
        let [pid] = *other.pids() else { return Err("no other process") };
        // This one loses the CPU twice: the other begins, the other goes on and ends. Ticks that
        // find nothing due take less than either.
        let least = if clock.counts_instructions { 1_000 } else { clock.ticks(60) };
        let _ = lose_cpu(least);
        let (last, _) = lose_cpu(least);
        let first = process::task_wait(pid).map_err(|_| "the other process is gone")?;
        if let Some(passed) = first.cast_unsigned().checked_sub(last) {
            samples.add(passed, 1);
        }
    }
    samples.report("preempt_switch", clock.unit(), "switch");
    Ok(())
}

/// A tick that finds nothing to do: the timer was armed for the slice of a process that gave way.
pub(crate) fn tick_no_switch(clock: &Clock) -> Result<(), Refusal> {
    let slice = if clock.counts_instructions { SLICE.0 } else { SLICE.1 };
    let _policy = policy::during("round-robin", slice * 1000)?;
    let _other = Crowd::start(1, b"tiny\0yield\0")?;
    process::yield_now();
    // After the tick this process gives way again, and gets a slice that ends after the next one.
    ticks(clock, process::yield_now).report("timer_tick_no_switch", clock.unit(), "tick");
    Ok(())
}

/// The slice of a busy process ends, and it goes on because whoever else is ready matters less.
pub(crate) fn tick_keeps(clock: &Clock) -> Result<(), Refusal> {
    let slice = if clock.counts_instructions { SLICE.0 } else { SLICE.1 };
    let _policy = policy::during("priority", slice * 1000)?;
    let other = Crowd::start(1, b"tiny\0yield\0")?;
    let [pid] = *other.pids() else { return Err("no other process") };
    process::sched(SET_WEIGHT, 1, pid).map_err(|_| "no weights")?;
    ticks(clock, || {}).report("timer_tick_keeps", clock.unit(), "tick");
    Ok(())
}

/// A tick wakes a process that slept; the busy one goes on.
pub(crate) fn tick_wake(clock: &Clock) -> Result<(), Refusal> {
    let _policy = policy::during("cooperative", 0)?;
    let _sleeper = Crowd::start(1, b"tiny\0nap\0")?;
    process::yield_now();
    // It sleeps again when it gets the CPU.
    ticks(clock, process::yield_now).report("timer_tick_wake", clock.unit(), "tick");
    Ok(())
}

/// What ticks take from a busy process. After each it does `then`.
fn ticks(clock: &Clock, then: impl Fn()) -> Samples {
    // A turn of the loop takes a few instructions, an interrupt some dozen at least. QEMU without
    // `-icount` needs microseconds for one, and an interruption of QEMU itself is no less.
    let least = if clock.counts_instructions { 30 } else { clock.ticks(10) };
    let mut samples = Samples::new();
    for warm in 0..clock.samples(101, 101) + 5 {
        let (from, to) = lose_cpu(least);
        if warm >= 5 {
            samples.add(to - from, 1);
        }
        then();
    }
    samples
}

/// Watches the clock until it jumps by more than `least` ticks: the last look before the jump, and
/// the first one after it.
#[inline(never)]
fn lose_cpu(least: u64) -> (u64, u64) {
    let mut last = now();
    loop {
        let this = now();
        if this - last > least {
            return (last, this);
        }
        last = this;
    }
}

/// `sleep` of a millisecond: what passed.
pub(crate) fn sleep_1ms(clock: &Clock) -> Result<(), Refusal> {
    let mut samples = Samples::new();
    for warm in 0..103 {
        let start = now();
        time::sleep(1_000_000).map_err(|_| "the kernel cannot sleep")?;
        let passed = now() - start;
        if warm >= 3 {
            samples.add(clock.nanos(passed), 1);
        }
    }
    samples.report("sleep_1ms", "ns", "sleep(1 ms)");
    Ok(())
}

/// Timer interrupts while one process is busy for four tenths of a second and nobody else is ready.
pub(crate) fn ticks_while_nobody_waits(clock: &Clock) -> Result<(), Refusal> {
    let _policy = policy::during("round-robin", SLICE.1 * 1000)?;
    let interrupts = || machine::system().map_or(0, |system| system.timer_interrupts);
    let (before, end) = (interrupts(), now() + clock.ticks(400_000));
    while now() < end {}
    value("ticks_while_nobody_waits", (interrupts() - before) * 1000, "interrupts");
    Ok(())
}

/// Timer interrupts while nobody does anything.
pub(crate) fn idle(_clock: &Clock) -> Result<(), Refusal> {
    const SECONDS: u64 = 10;
    let interrupts = || machine::system().map_or(0, |system| system.timer_interrupts);
    let before = interrupts();
    time::sleep(SECONDS * 1_000_000_000).map_err(|_| "the kernel cannot sleep")?;
    // The last one ended the sleep.
    value("idle_ticks_per_second", (interrupts() - before - 1) * 1000 / SECONDS, "interrupts");
    Ok(())
}
