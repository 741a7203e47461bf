//! The local APIC's timer: one interrupt at a given time, and nothing until it is armed again.
//!
//! [`Timer`] uses TSC-deadline mode where CPUID has it, else the one-shot count, converted from
//! ticks of the time-stamp counter. Arming is on the scheduler's path: a multiplication and one
//! register write. One per CPU, owned by whoever decides what is due next.

use core::fmt;

use raw_cpuid::CpuId;
use x86_64::registers::model_specific::Msr;

use crate::x86_64::{
    apic::{LVT_MASKED, LocalApic, TIMER_VECTOR, register},
    calibrate::{Calibration, Megahertz},
    clock::{Scale, rdtsc},
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
    to_counts: Scale,
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
            core::sync::atomic::fence(core::sync::atomic::Ordering::SeqCst);
            TimerSource::TscDeadline { hz: calibration.tsc_hz }
        } else {
            access.write(register::TIMER_INITIAL_COUNT, 0);
            access.write(register::TIMER_DIVIDE, DIVIDE_BY_1);
            access.write(register::LVT_TIMER, u32::from(TIMER_VECTOR));
            TimerSource::ApicOneShot { hz: calibration.apic_hz }
        };
        let to_counts = Scale::new(calibration.tsc_hz, calibration.apic_hz);
        let timer = Self { apic, source, to_counts };
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

    /// Interrupts once, when the time-stamp counter has advanced by `ticks`, or at once if `ticks`
    /// is 0. Replaces what was armed.
    ///
    /// Where the timer counts by itself it comes early if `ticks` is more than it can count (four
    /// seconds at 1 GHz), or if the two rates are not quite what was measured. Who gets the
    /// interrupt compares the clock with what is due, and arms again.
    #[inline]
    pub fn arm(&self, ticks: u64) {
        match self.source {
            TimerSource::TscDeadline { .. } => arm_deadline(rdtsc().saturating_add(ticks)),
            TimerSource::ApicOneShot { .. } => self.arm_count(ticks),
        }
    }

    /// Interrupts once, when the time-stamp counter reaches `deadline`, at once if it has. As
    /// [`Timer::arm`] otherwise.
    #[inline]
    pub fn arm_at(&self, deadline: u64) {
        match self.source {
            TimerSource::TscDeadline { .. } => arm_deadline(deadline),
            TimerSource::ApicOneShot { .. } => {
                self.arm_count(deadline.saturating_sub(rdtsc()));
            }
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

    #[inline]
    fn arm_count(&self, ticks: u64) {
        self.apic.access().write(register::TIMER_INITIAL_COUNT, counts(self.to_counts, ticks));
    }
}

/// Arms the deadline; 0 would disarm.
#[inline]
fn arm_deadline(deadline: u64) {
    // SAFETY: called only where the processor has the register; it interrupts and no more.
    unsafe { { IA32_TSC_DEADLINE }.write(deadline.max(1)) };
}

/// The initial count for `ticks`: at least 1, for 0 would disarm.
#[inline]
fn counts(scale: Scale, ticks: u64) -> u32 {
    u32::try_from(scale.up(ticks)).unwrap_or(u32::MAX).max(1)
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
        let scale = Scale::new(1_000_000_000, 1_000_000_000);
        for ticks in 1..5_000 {
            assert_eq!(u64::from(counts(scale, ticks)), ticks);
        }
    }

    #[test]
    fn arming_for_now_does_not_disarm() {
        assert_eq!(counts(Scale::new(3_000_000_000, 1_000_000_000), 0), 1);
    }

    #[test]
    fn a_time_beyond_the_counter_fires_early() {
        assert_eq!(counts(Scale::new(1_000_000_000, 1_000_000_000), 1 << 40), u32::MAX);
        assert_eq!(counts(Scale::new(1_000_000, 1_000_000_000), u64::MAX), u32::MAX);
    }

    #[test]
    fn sources_show_their_rate() {
        let source = TimerSource::ApicOneShot { hz: 999_999_500 };
        assert_eq!(std::format!("{source}"), "APIC one-shot at 999.999 MHz");
    }
}
