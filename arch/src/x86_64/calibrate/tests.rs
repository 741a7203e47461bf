//! Measuring machines that are not there: exact, noisy, wrapping and broken ones.

use std::{format, string::ToString};

use super::*;

/// A machine whose every action takes `step` picoseconds, with pauses now and then.
struct Model {
    picos: u64,
    step: u64,
    reads: u64,
    pause_every: u64,
    tsc_hz: u64,
    apic_hz: u64,
    period_femtos: u64,
    mask: u32,
}

impl Model {
    fn new(tsc_hz: u64, apic_hz: u64, period_femtos: u64, mask: u32) -> Self {
        let picos = 17_000_000_000_000;
        let step = 40_000;
        let pause_every = u64::MAX;
        Self { picos, step, reads: 0, pause_every, tsc_hz, apic_hz, period_femtos, mask }
    }

    fn advance(&mut self) -> u128 {
        self.reads += 1;
        self.picos += self.step;
        if self.reads.is_multiple_of(self.pause_every) {
            self.picos += 300_000_000;
        }
        u128::from(self.picos)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "counters wrap around")]
impl Bench for Model {
    fn kind(&self) -> Kind {
        Kind::Hpet
    }
    fn mask(&self) -> u32 {
        self.mask
    }
    fn period_femtos(&self) -> u64 {
        self.period_femtos
    }
    fn reference(&mut self) -> u32 {
        // What lies above the mask is noise.
        (self.advance() * 1000 / u128::from(self.period_femtos)) as u32 | !self.mask
    }
    fn apic(&mut self) -> u32 {
        !((self.advance() * u128::from(self.apic_hz) / 1_000_000_000_000) as u32)
    }
    fn tsc(&mut self) -> u64 {
        (self.advance() * u128::from(self.tsc_hz) / 1_000_000_000_000) as u64
    }
}

fn within(measured: u64, truth: u64, ppm: u64) -> bool {
    measured.abs_diff(truth) <= truth / 1_000_000 * ppm
}

#[test]
fn every_reference_gives_the_rates_to_a_thousandth() {
    let references = [
        (10_000_000, u32::MAX),
        (69_841_279, u32::MAX),
        (FEMTOS_PER_SECOND / 3_579_545, 0xff_ffff),
        (FEMTOS_PER_SECOND / 3_579_545, u32::MAX),
        (FEMTOS_PER_SECOND / 1_193_182, 0xffff),
    ];
    for (period, mask) in references {
        for (tsc, apic) in [(1_000_000_000, 1_000_000_000), (3_693_000_000, 24_000_000)] {
            let measured = measure(Model::new(tsc, apic, period, mask)).unwrap();
            assert!(within(measured.tsc_hz, tsc, 1_000), "{period} {mask:x}: {measured:?}");
            assert!(within(measured.apic_hz, apic, 1_000), "{period} {mask:x}: {measured:?}");
        }
    }
}

#[test]
fn a_pause_between_two_reads_does_not_show() {
    for pause_every in [1_777, 20_011, 50_021] {
        let mut model = Model::new(2_000_000_000, 1_000_000_000, 10_000_000, u32::MAX);
        model.pause_every = pause_every;
        let measured = measure(model).unwrap();
        assert!(within(measured.tsc_hz, 2_000_000_000, 1_000), "{pause_every}: {measured:?}");
    }
}

#[test]
fn a_reference_that_stands_still_is_given_up() {
    let mut model = Model::new(1_000_000_000, 1_000_000_000, 10_000_000, u32::MAX);
    model.mask = 0;
    assert_eq!(measure(model), None);
}

#[test]
fn an_implausible_rate_is_no_rate() {
    assert_eq!(measure(Model::new(1_000, 1_000, 10_000_000, u32::MAX)), None);
}

#[test]
fn a_timer_of_the_apic_that_stands_still_does_not_stop_the_clock() {
    let measured = measure(Model::new(1_000_000_000, 0, 10_000_000, u32::MAX)).unwrap();
    assert_eq!(measured.apic_hz, 0);
    assert!(within(measured.tsc_hz, 1_000_000_000, 1_000));
}

#[test]
fn cpuid_is_believed_only_where_the_measurement_agrees() {
    let measured = measure(Model::new(1_000_000_000, 1, 10_000_000, u32::MAX)).unwrap();
    assert_eq!(measured.prefer(Some(1_000_900_000)).tsc_hz, 1_000_900_000);
    assert!(measured.prefer(Some(1_000_900_000)).from_cpuid);
    assert_eq!(measured.prefer(Some(1_100_000_000)), measured);
    assert_eq!(measured.prefer(None), measured);
}

#[test]
fn rates_are_shown_in_megahertz() {
    assert_eq!(Megahertz(2_111_999_000).to_string(), "2111.999 MHz");
    let calibration = Calibration {
        tsc_hz: 1_000_000_000,
        apic_hz: 1,
        reference: Kind::PmTimer,
        spread_ppm: 12,
        from_cpuid: false,
    };
    assert_eq!(
        format!("{calibration}"),
        "TSC 1000.000 MHz (ACPI timer, median of 5, spread 12 ppm)"
    );
}
