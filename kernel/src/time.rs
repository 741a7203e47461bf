//! What time it is, and what the timer is for.
//!
//! Time is kept from the time-stamp counter and never by counting interrupts. The timer is armed
//! only for the next thing that is due ([`arm`]): with nobody sleeping and nobody preempted it is
//! silent.

use core::sync::atomic::{AtomicU64, Ordering};

use orbital_arch::apic::{self, LocalApic};
use orbital_arch::calibrate::Calibration;
use orbital_arch::clock::{Clock, rdtsc};
use orbital_arch::timer::{Timer, TimerSource};
use spin::Once;

use crate::console::log;

struct Devices {
    clock: Clock,
    timer: Timer,
}

#[unsafe(link_section = ".data.hot")]
static DEVICES: Once<Devices> = Once::new();

/// What the timer is armed for, in ticks; [`NEVER`] if it is not.
#[unsafe(link_section = ".data.hot")]
static ARMED: AtomicU64 = AtomicU64::new(NEVER);

/// How often it has fired.
#[unsafe(link_section = ".data.hot")]
static INTERRUPTS: AtomicU64 = AtomicU64::new(0);

const NEVER: u64 = u64::MAX;

/// Starts clock and timer; the clock began at `origin`, in ticks of the time-stamp counter.
pub(crate) fn init(apic: LocalApic, measured: &Calibration, origin: u64) {
    let timer = Timer::new(apic, measured);
    log(format_args!("[kernel] clock: {measured}; timer: {}", timer.source()));
    let clock = Clock::new(measured.tsc_hz).starting_at(origin);
    DEVICES.call_once(|| Devices { clock, timer });
}

/// What the timer is; `None` before [`init`].
pub(crate) fn timer_source() -> Option<TimerSource> {
    DEVICES.get().map(|devices| devices.timer.source())
}

/// How often the timer has interrupted.
pub(crate) fn interrupts() -> u64 {
    INTERRUPTS.load(Ordering::Relaxed)
}

/// What turns ticks into time since boot, by name, for debuggers.
pub(crate) fn layout() -> [(&'static str, u64); 2] {
    let clock = DEVICES.get().map(|devices| devices.clock);
    [
        ("clock.hz", clock.map_or(0, |clock| clock.hz())),
        ("clock.origin", clock.map_or(0, |clock| clock.origin())),
    ]
}

/// Nanoseconds since boot; never goes back.
pub(crate) fn since_boot_nanos() -> u64 {
    DEVICES.get().map_or(0, |devices| devices.clock.now_nanos())
}

/// The moment of a value of the time-stamp counter, in nanoseconds since boot.
pub(crate) fn nanos_at(ticks: u64) -> u64 {
    DEVICES.get().map_or(0, |devices| devices.clock.nanos_at(ticks))
}

/// Ticks of the time-stamp counter in a second.
pub(crate) fn ticks_per_second() -> u64 {
    DEVICES.get().map_or(0, |devices| devices.clock.hz())
}

/// A span of the time-stamp counter in nanoseconds.
pub(crate) fn ticks_to_nanos(ticks: u64) -> u64 {
    DEVICES.get().map_or(0, |devices| devices.clock.ticks_to_nanos(ticks))
}

/// A span in nanoseconds as ticks of the time-stamp counter.
pub(crate) fn nanos_to_ticks(nanos: u64) -> u64 {
    DEVICES.get().map_or(0, |devices| devices.clock.nanos_to_ticks(nanos))
}

/// Sees to it that the timer interrupts no later than at `due`, or not at all.
///
/// A timer that is armed for an earlier moment stays so: that interrupt will find nothing due and
/// arm it again, once in a slice, while tasks that give way may move `due` at every switch.
#[inline]
pub(crate) fn arm(due: Option<u64>) {
    let due = due.unwrap_or(NEVER);
    let armed = ARMED.load(Ordering::Relaxed);
    if due < armed || (due == NEVER && armed != NEVER) {
        set(due, rdtsc());
    }
}

/// As [`arm`], right after the timer has fired, for a moment that is still to come, if any.
///
/// # Safety
/// The timer has fired.
#[inline(always)]
pub(crate) unsafe fn arm_again(due: Option<u64>, now: u64) {
    let Some(due) = due else { return note_fired() };
    ARMED.store(due, Ordering::Relaxed);
    // SAFETY: what has fired was initialised.
    unsafe { DEVICES.get_unchecked() }.timer.arm_at(due, now);
}

/// The timer has fired, and is not armed.
#[inline]
pub(crate) fn note_fired() {
    ARMED.store(NEVER, Ordering::Relaxed);
}

fn set(due: u64, now: u64) {
    ARMED.store(due, Ordering::Relaxed);
    let Some(devices) = DEVICES.get() else { return };
    if due == NEVER {
        devices.timer.disarm();
    } else {
        devices.timer.arm_at(due.max(now + 1), now);
    }
}

/// The timer has fired; what the time-stamp counter says. The end of the interrupt comes first,
/// because whoever serves what is due may not return for long. [`arm_again`] or [`note_fired`] is next.
#[inline]
pub(crate) fn interrupt() -> u64 {
    apic::end_of_interrupt();
    // Interrupts are off, so nothing comes between the two.
    INTERRUPTS.store(interrupts().wrapping_add(1), Ordering::Relaxed);
    rdtsc()
}
