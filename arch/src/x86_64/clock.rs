//! Time from the time-stamp counter.
//!
//! [`rdtsc`] reads it, [`Scale`] converts between two rates by one multiplication, and [`Clock`] is
//! the kernel's clock: nanoseconds since an origin, for more than a hundred years. Everything but
//! [`rdtsc`], [`ticks_of_instructions`] and [`Clock::now_nanos`] is plain arithmetic. Who schedules
//! works in ticks and converts only what is shown or was asked for in nanoseconds.

use core::arch::asm;
use core::arch::x86_64::_rdtsc;

/// Nanoseconds in a second.
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The time-stamp counter. Not ordered with the instructions around it.
#[inline]
pub fn rdtsc() -> u64 {
    // SAFETY: every 64-bit processor has the instruction, and CR4.TSD, which would forbid it to
    // ring 3 only, does not concern ring 0.
    unsafe { _rdtsc() }
}

/// Ticks in which this CPU executes so many instructions, of the simplest kind: the least of a few
/// measurements, of which the first may find a cold cache and any an interruption.
pub fn ticks_of_instructions(instructions: u64) -> u64 {
    let measure = |_| {
        let start = rdtsc();
        // SAFETY: counts a register down to zero, two instructions a round.
        unsafe {
            asm!(
                "2:",
                "dec {rounds}",
                "jnz 2b",
                rounds = inout(reg) instructions.div_ceil(2).max(1) => _,
                options(nomem, nostack),
            );
        }
        rdtsc().wrapping_sub(start)
    };
    (0..4).map(measure).min().unwrap_or(0)
}

/// Multiplication by a fixed fraction, in a 128-bit product: no division when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The fraction times two to the power `shift`, rounded down.
    multiplier: u64,
    shift: u32,
}

impl Scale {
    /// Turns counts of a counter that runs at `from` into counts of one that runs at `to`, both in
    /// the same unit.
    ///
    /// # Panics
    /// If `from` is 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the loop ends when the multiplier fits in 64 bits"
    )]
    pub const fn new(from: u64, to: u64) -> Self {
        assert!(from != 0, "a counter that stands still measures nothing");
        let mut shift = 64;
        let mut multiplier = ((to as u128) << shift) / from as u128;
        // As many bits as fit: the error of a product is then below one count as long as the
        // result is below two to the power 63.
        while multiplier > u64::MAX as u128 {
            shift -= 1;
            multiplier = ((to as u128) << shift) / from as u128;
        }
        Self { multiplier: multiplier as u64, shift }
    }

    /// `count` in the other unit, rounded down; the largest number if it does not fit.
    #[inline]
    pub const fn down(&self, count: u64) -> u64 {
        saturate(self.product(count) >> self.shift)
    }

    /// `count` in the other unit, rounded up; the largest number if it does not fit.
    #[inline]
    pub const fn up(&self, count: u64) -> u64 {
        // The largest product of two 64-bit numbers leaves room for the addition.
        let below_one = (1_u128 << self.shift) - 1;
        saturate((self.product(count) + below_one) >> self.shift)
    }

    const fn product(&self, count: u64) -> u128 {
        count as u128 * self.multiplier as u128
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only when it fits")]
const fn saturate(value: u128) -> u64 {
    if value > u64::MAX as u128 { u64::MAX } else { value as u64 }
}

/// The kernel's clock: the time-stamp counter at a known rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    hz: u64,
    origin: u64,
    to_nanos: Scale,
    to_ticks: Scale,
}

impl Clock {
    /// A clock whose counter makes `hz` ticks a second and showed 0 at time 0.
    ///
    /// # Panics
    /// If `hz` is 0.
    pub const fn new(hz: u64) -> Self {
        Self {
            hz,
            origin: 0,
            to_nanos: Scale::new(hz, NANOS_PER_SECOND),
            to_ticks: Scale::new(NANOS_PER_SECOND, hz),
        }
    }

    /// The same clock, with time 0 when the counter showed `origin`.
    pub const fn starting_at(self, origin: u64) -> Self {
        Self { origin, ..self }
    }

    /// Ticks a second.
    pub const fn hz(&self) -> u64 {
        self.hz
    }

    /// What the counter showed at time 0.
    pub const fn origin(&self) -> u64 {
        self.origin
    }

    /// How long `ticks` take, rounded down.
    #[inline]
    pub const fn ticks_to_nanos(&self, ticks: u64) -> u64 {
        self.to_nanos.down(ticks)
    }

    /// How many ticks `nanos` take, rounded up: a deadline made from it is never early.
    #[inline]
    pub const fn nanos_to_ticks(&self, nanos: u64) -> u64 {
        self.to_ticks.up(nanos)
    }

    /// Nanoseconds since time 0 when the counter shows `ticks`; 0 before time 0.
    #[inline]
    pub const fn nanos_at(&self, ticks: u64) -> u64 {
        self.ticks_to_nanos(ticks.saturating_sub(self.origin))
    }

    /// Nanoseconds since time 0. Never goes back: neither does the counter of one CPU.
    #[inline]
    pub fn now_nanos(&self) -> u64 {
        self.nanos_at(rdtsc())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CENTURY_NANOS: u64 = 100 * 366 * 86_400 * NANOS_PER_SECOND;

    #[test]
    fn a_gigahertz_clock_counts_nanoseconds() {
        let clock = Clock::new(NANOS_PER_SECOND);
        for count in [0, 1, 2, 999, u64::from(u32::MAX), CENTURY_NANOS, u64::MAX] {
            assert_eq!(clock.ticks_to_nanos(count), count);
            assert_eq!(clock.nanos_to_ticks(count), count);
        }
    }

    #[test]
    fn a_century_does_not_overflow_at_any_rate() {
        for hz in [1_000_000, 24_000_000, 2_111_999_000, 3_579_545, 5_000_000_001] {
            let clock = Clock::new(hz);
            let ticks = clock.nanos_to_ticks(CENTURY_NANOS);
            let exact = u128::from(CENTURY_NANOS) * u128::from(hz) / 1_000_000_000;
            assert!(u128::from(ticks).abs_diff(exact) <= 1, "{hz} Hz: {ticks} for {exact}");
            let back = clock.ticks_to_nanos(ticks);
            assert!(back.abs_diff(CENTURY_NANOS) <= 1_000_000_000 / hz + 2, "{hz} Hz: {back}");
        }
    }

    #[test]
    fn what_does_not_fit_is_the_largest_number() {
        assert_eq!(Clock::new(1_000_000).ticks_to_nanos(u64::MAX), u64::MAX);
        assert_eq!(Clock::new(5_000_000_000).nanos_to_ticks(u64::MAX), u64::MAX);
    }

    #[test]
    fn time_starts_at_the_origin() {
        let clock = Clock::new(NANOS_PER_SECOND).starting_at(500);
        assert_eq!(clock.nanos_at(400), 0);
        assert_eq!(clock.nanos_at(500), 0);
        assert_eq!(clock.nanos_at(750), 250);
    }

    #[test]
    fn this_machines_clock_does_not_go_back() {
        let clock = Clock::new(NANOS_PER_SECOND).starting_at(rdtsc());
        let mut last = 0;
        for _ in 0..1_000 {
            let now = clock.now_nanos();
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn more_instructions_take_longer() {
        let [few, many] = [1_000, 100_000].map(ticks_of_instructions);
        assert!(0 < few && few < many, "{few} {many}");
        assert!(ticks_of_instructions(0) < few);
    }

    #[test]
    #[should_panic(expected = "stands still")]
    fn a_rate_of_zero_is_refused() {
        Clock::new(0);
    }

    proptest! {
        #[test]
        fn conversion_is_monotonic_and_right_to_one(
            hz in 1_000_000_u64..10_000_000_000,
            ticks in 0_u64..1 << 62,
        ) {
            let clock = Clock::new(hz);
            let nanos = clock.ticks_to_nanos(ticks);
            prop_assert!(clock.ticks_to_nanos(ticks + 1) >= nanos);
            let exact = u128::from(ticks) * 1_000_000_000 / u128::from(hz);
            if exact < 1 << 63 {
                prop_assert!(exact - u128::from(nanos) <= 1);
            }
        }

        #[test]
        fn a_deadline_is_never_early(
            hz in 1_000_000_u64..10_000_000_000,
            nanos in 0_u64..1 << 60,
        ) {
            let clock = Clock::new(hz);
            let exact = u128::from(nanos) * u128::from(hz) / 1_000_000_000;
            prop_assert!(u128::from(clock.nanos_to_ticks(nanos)) >= exact);
        }
    }
}
