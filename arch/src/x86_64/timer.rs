//! The local APIC's timer: one interrupt at a given time, and nothing until it is armed again.
//!
//! [`Timer`] uses TSC-deadline mode where CPUID has it, else the one-shot count, converted from
//! ticks of the time-stamp counter. Arming is on the scheduler's path: a multiplication and one
//! register write. One per CPU, owned by whoever decides what is due next.

use core::fmt;
use core::sync::atomic::{AtomicPtr, Ordering};

use raw_cpuid::CpuId;
use x86_64::registers::model_specific::Msr;

use crate::x86_64::{
    apic::{LVT_MASKED, LocalApic, TIMER_VECTOR, register, x2apic_msr},
    calibrate::{Calibration, Megahertz},
};

/// Divide configuration: by 1 (SDM volume 3A, figure 11-10).
const DIVIDE_BY_1: u32 = 0b1011;
/// Timer mode in the local vector table: compare with IA32_TSC_DEADLINE.
const MODE_TSC_DEADLINE: u32 = 0b10 << 17;
const IA32_TSC_DEADLINE: Msr = Msr::new(0x6e0);

/// What the timer counts, with its rate, as the boot log shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerSource {
    /// It fires when the time-stamp counter reaches a value.
    TscDeadline {
        /// Rate of the time-stamp counter.
        hz: u64,
    },
    /// It counts down to zero at a rate of its own.
    ApicOneShot {
        /// That rate.
        hz: u64,
    },
}

impl fmt::Display for TimerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TscDeadline { hz } => write!(f, "TSC-deadline at {}", Megahertz(*hz)),
            Self::ApicOneShot { hz } => write!(f, "APIC one-shot at {}", Megahertz(*hz)),
        }
    }
}

/// This CPU's timer.
#[derive(Debug)]
pub struct Timer {
    apic: LocalApic,
    source: TimerSource,
    to_counts: Counts,
    /// Where a count is written that arms it; null where that is not how it is armed.
    initial_count: AtomicPtr<u32>,
}

impl Timer {
    /// Takes the timer of `apic`, unarmed. It interrupts as [`TIMER_VECTOR`].
    pub fn new(apic: LocalApic, calibration: &Calibration) -> Self {
        let access = apic.access();
        let has_deadline =
            CpuId::new().get_feature_info().is_some_and(|features| features.has_tsc_deadline());
        let source = if has_deadline {
            access.write(register::LVT_TIMER, MODE_TSC_DEADLINE | u32::from(TIMER_VECTOR));
            // In xAPIC mode the store above is not ordered with the `wrmsr` that arms it (SDM
            // volume 3A, 11.5.4.1).
            core::sync::atomic::fence(Ordering::SeqCst);
            TimerSource::TscDeadline { hz: calibration.tsc_hz }
        } else {
            access.write(register::TIMER_INITIAL_COUNT, 0);
            access.write(register::TIMER_DIVIDE, DIVIDE_BY_1);
            access.write(register::LVT_TIMER, u32::from(TIMER_VECTOR));
            TimerSource::ApicOneShot { hz: calibration.apic_hz }
        };
        let to_counts = Counts::new(calibration.tsc_hz, calibration.apic_hz);
        let initial_count = match source {
            TimerSource::ApicOneShot { .. } => access.address(register::TIMER_INITIAL_COUNT),
            TimerSource::TscDeadline { .. } => core::ptr::null_mut(),
        };
        let initial_count = AtomicPtr::new(initial_count);
        let timer = Self { apic, source, to_counts, initial_count };
        timer.disarm();
        timer
    }

    /// What it counts.
    pub const fn source(&self) -> TimerSource {
        self.source
    }

    /// The local APIC it belongs to.
    pub const fn apic(&self) -> &LocalApic {
        &self.apic
    }

    /// Interrupts once, when the time-stamp counter reaches `deadline`. Replaces what was armed. `now`,
    /// which is before the deadline, is what the counter said a moment ago.
    ///
    /// Where the timer counts by itself it comes early if that is longer than it can count (four
    /// seconds at 1 GHz), or if the two rates are not quite what was measured. Who gets the
    /// interrupt compares the clock with what is due, and arms again.
    #[inline(always)]
    pub fn arm_at(&self, deadline: u64, now: u64) {
        debug_assert!(deadline > now, "a deadline in the past would disarm the timer");
        let register = self.initial_count.load(Ordering::Relaxed);
        let counts = self.to_counts.of(deadline.wrapping_sub(now));
        if !register.is_null() {
            // SAFETY: the register, mapped for good; it counts, and interrupts no sooner than armed.
            unsafe { register.write_volatile(counts) };
        } else if let TimerSource::TscDeadline { .. } = self.source {
            arm_deadline(deadline);
        } else {
            // SAFETY: registers that are no memory are model-specific ones.
            unsafe { x2apic_msr(register::TIMER_INITIAL_COUNT).write(u64::from(counts)) };
        }
    }

    /// Does not interrupt until armed again. An interrupt that is already on its way still comes.
    #[inline]
    pub fn disarm(&self) {
        match self.source {
            // SAFETY: the processor has the register (`new`); 0 disarms.
            TimerSource::TscDeadline { .. } => unsafe { { IA32_TSC_DEADLINE }.write(0) },
            TimerSource::ApicOneShot { .. } => {
                self.apic.access().write(register::TIMER_INITIAL_COUNT, 0);
            }
        }
    }
}

/// Arms the deadline, which is not 0: that would disarm.
#[inline]
fn arm_deadline(deadline: u64) {
    // SAFETY: called only where the processor has the register; it interrupts and no more.
    unsafe { { IA32_TSC_DEADLINE }.write(deadline) };
}

/// From ticks of the time-stamp counter to counts of the timer: the fraction times two to the power
/// 32, rounded up. No more bits are needed where a result has no more, and no wider product.
///
/// A timer that is faster than the time-stamp counter is taken for as fast, and so comes early.
#[derive(Clone, Copy, Debug)]
struct Counts(u64);

impl Counts {
    fn new(tsc_hz: u64, apic_hz: u64) -> Self {
        Self((apic_hz << 32).div_ceil(tsc_hz).min(1 << 32))
    }

    /// The initial count for `ticks`, rounded up; 0 for 0, which would disarm.
    #[inline]
    fn of(self, ticks: u64) -> u32 {
        let ticks = ticks.min(u64::from(u32::MAX));
        // At most (2^32 - 1) * 2^32 + 2^32 - 1, which is 2^64 - 1.
        let scaled = ticks.wrapping_mul(self.0).wrapping_add(u64::from(u32::MAX));
        (scaled >> 32) as u32
    }
}

impl LocalApic {
    /// Lets the timer count down from its largest value, silently, to be measured.
    pub(super) fn start_counting(&self) {
        self.access().write(register::LVT_TIMER, LVT_MASKED | u32::from(TIMER_VECTOR));
        self.access().write(register::TIMER_DIVIDE, DIVIDE_BY_1);
        self.access().write(register::TIMER_INITIAL_COUNT, u32::MAX);
    }

    /// The count at this moment.
    pub(super) fn count(&self) -> u32 {
        self.access().read(register::TIMER_CURRENT_COUNT)
    }

    /// Stops it.
    pub(super) fn stop_counting(&self) {
        self.access().write(register::TIMER_INITIAL_COUNT, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_of_the_same_rate_counts_ticks_exactly() {
        let scale = Counts::new(1_000_000_000, 1_000_000_000);
        for ticks in 1..5_000 {
            assert_eq!(u64::from(scale.of(ticks)), ticks);
        }
    }

    #[test]
    fn arming_for_now_does_not_disarm() {
        assert_eq!(Counts::new(3_000_000_000, 1_000_000_000).of(1), 1);
    }

    #[test]
    fn a_time_beyond_the_counter_fires_early() {
        assert_eq!(Counts::new(1_000_000_000, 1_000_000_000).of(1 << 40), u32::MAX);
        assert_eq!(Counts::new(1_000_000, 1_000_000_000).of(u64::MAX), u32::MAX, "early");
    }

    #[test]
    fn a_time_is_never_short_and_hardly_longer() {
        for (tsc, apic) in [(2_445_385_000, 1_000_008_000), (1_000_000_001, 1_000_000_000)] {
            let scale = Counts::new(tsc, apic);
            for ticks in [1, 1_000, 1_234_567, 1_000_000_000] {
                let exact = ticks as f64 * apic as f64 / tsc as f64;
                let counts = f64::from(scale.of(ticks));
                assert!(counts >= exact && counts <= exact + 2.0, "{ticks}: {counts}, {exact}");
            }
        }
    }

    #[test]
    fn sources_show_their_rate() {
        let source = TimerSource::ApicOneShot { hz: 999_999_500 };
        assert_eq!(std::format!("{source}"), "APIC one-shot at 999.999 MHz");
    }
}
