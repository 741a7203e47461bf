//! How fast the time-stamp counter and the local APIC's timer run on this machine.
//!
//! [`calibrate`] watches both over [`WINDOWS`] windows of one millisecond of a counter of known
//! rate and takes the median, so that a pause of the (virtual) machine in one window does no harm.
//! Called once at boot, with interrupts off; takes about five milliseconds.

use core::fmt;

use raw_cpuid::CpuId;

use crate::x86_64::{
    acpi::Platform,
    apic::LocalApic,
    clock::rdtsc,
    mmio::MapMmio,
    reference::{FEMTOS_PER_SECOND, Kind, Reference},
};

/// How many windows are measured.
pub const WINDOWS: usize = 5;
/// Length of a window.
const WINDOW_FEMTOS: u64 = FEMTOS_PER_SECOND / 1000;
/// Tries for a sample that nothing delayed.
const ATTEMPTS: usize = 4;
/// Reads of a reference after which it is said to stand still: a window has at most a million on
/// a machine that runs one read a nanosecond.
const PATIENCE: u32 = 4_000_000;
/// What a time-stamp counter can run at; anything else is a broken measurement.
const PLAUSIBLE_HZ: core::ops::RangeInclusive<u64> = 1_000_000..=100_000_000_000;

/// Rates measured, and against what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// Rate of the time-stamp counter.
    pub tsc_hz: u64,
    /// Rate of the local APIC's timer, undivided.
    pub apic_hz: u64,
    /// The counter they were measured against.
    pub reference: Kind,
    /// Difference between the fastest and the slowest window, in millionths of `tsc_hz`.
    pub spread_ppm: u64,
    /// `tsc_hz` is what CPUID says, which the measurement agrees with to one percent.
    pub from_cpuid: bool,
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = if self.from_cpuid { "CPUID, checked against the " } else { "" };
        write!(
            f,
            "TSC {} ({source}{}, median of {WINDOWS}, spread {} ppm)",
            Megahertz(self.tsc_hz),
            self.reference,
            self.spread_ppm
        )
    }
}

/// A rate as it is shown: `1000.000 MHz`.
#[derive(Clone, Copy, Debug)]
pub struct Megahertz(pub u64);

impl fmt::Display for Megahertz {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} MHz", self.0 / 1_000_000, self.0 / 1000 % 1000)
    }
}

/// Measures against the best counter that works: HPET, ACPI timer, 8254.
///
/// `None` if not one of them does: then this machine has no time.
///
/// # Safety
/// `platform` describes this machine, `map` does what [`MapMmio`] says, and nothing else drives
/// the HPET or the 8254's channel 2.
pub unsafe fn calibrate(
    platform: &Platform,
    apic: &LocalApic,
    map: MapMmio<'_>,
) -> Option<Calibration> {
    apic.start_counting();
    // SAFETY: the caller's promises.
    let hpet = unsafe { Reference::hpet(platform, map) };
    let measured = hpet
        .and_then(|reference| measure(Machine { reference, apic }))
        .or_else(|| measure(Machine { reference: Reference::pm_timer(platform)?, apic }))
        .or_else(|| measure(Machine { reference: Reference::pit(), apic }));
    apic.stop_counting();
    measured.map(|measured| measured.prefer(cpuid_tsc_hz()))
}

/// All counters at (nearly) the same moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    reference: u32,
    tsc: u64,
    apic: u32,
}

/// What is measured; the tests have one of their own.
trait Bench {
    fn kind(&self) -> Kind;
    fn mask(&self) -> u32;
    fn period_femtos(&self) -> u64;
    fn reference(&mut self) -> u32;
    fn apic(&mut self) -> u32;
    fn tsc(&mut self) -> u64;
}

struct Machine<'a> {
    reference: Reference,
    apic: &'a LocalApic,
}

impl Bench for Machine<'_> {
    fn kind(&self) -> Kind {
        self.reference.kind()
    }
    fn mask(&self) -> u32 {
        self.reference.mask
    }
    fn period_femtos(&self) -> u64 {
        self.reference.period_femtos
    }
    fn reference(&mut self) -> u32 {
        self.reference.read()
    }
    fn apic(&mut self) -> u32 {
        self.apic.count()
    }
    fn tsc(&mut self) -> u64 {
        rdtsc()
    }
}

fn measure(mut bench: impl Bench) -> Option<Calibration> {
    let mut rates = [(0, 0); WINDOWS];
    for rate in &mut rates {
        *rate = measure_window(&mut bench)?;
    }
    rates.sort_unstable();
    // Both rates of one window: their ratio, by which deadlines are converted, is then free of
    // the error of reading the reference.
    let (tsc_hz, apic_hz) = rates[WINDOWS / 2];
    if !PLAUSIBLE_HZ.contains(&tsc_hz) {
        return None;
    }
    let spread = rates[WINDOWS - 1].0 - rates[0].0;
    let spread_ppm = spread.saturating_mul(1_000_000) / tsc_hz;
    Some(Calibration { tsc_hz, apic_hz, reference: bench.kind(), spread_ppm, from_cpuid: false })
}

/// Rates of the time-stamp counter and the APIC's timer over one window.
fn measure_window(bench: &mut impl Bench) -> Option<(u64, u64)> {
    let mask = bench.mask();
    let length = WINDOW_FEMTOS / bench.period_femtos();
    let start = sample(bench);
    let passed = |now: u32| u64::from(now.wrapping_sub(start.reference) & mask);
    (0..PATIENCE).find(|_| passed(bench.reference()) >= length)?;
    let end = sample(bench);
    let femtos = u128::from(passed(end.reference)) * u128::from(bench.period_femtos());
    let hz = |ticks: u64| {
        let hz = (u128::from(ticks) * u128::from(FEMTOS_PER_SECOND)).checked_div(femtos)?;
        u64::try_from(hz).ok()
    };
    let tsc_hz = hz(end.tsc.checked_sub(start.tsc)?)?;
    // The APIC's timer counts down.
    let apic_hz = hz(u64::from(start.apic.wrapping_sub(end.apic)))?;
    Some((tsc_hz, apic_hz))
}

/// Of a few samples the one that took the least time.
fn sample(bench: &mut impl Bench) -> Sample {
    let mut best = (u64::MAX, Sample { reference: 0, tsc: 0, apic: 0 });
    for _ in 0..ATTEMPTS {
        let before = bench.tsc();
        let reference = bench.reference();
        let apic = bench.apic();
        let took = bench.tsc().wrapping_sub(before);
        if took < best.0 {
            best = (took, Sample { reference, tsc: before.wrapping_add(took / 2), apic });
        }
    }
    best.1
}

impl Calibration {
    /// Takes the exact rate that the processor states, if it can be true.
    fn prefer(self, stated: Option<u64>) -> Self {
        match stated {
            Some(hz) if hz.abs_diff(self.tsc_hz) <= self.tsc_hz / 100 => {
                Self { tsc_hz: hz, from_cpuid: true, ..self }
            }
            _ => self,
        }
    }
}

/// The rate of the time-stamp counter by CPUID leaf 0x15, where crystal and ratio are given
/// (SDM volume 3B, 19.7.3). Leaf 0x16 only gives a nominal rate and is not used.
fn cpuid_tsc_hz() -> Option<u64> {
    CpuId::new().get_tsc_info()?.tsc_frequency()
}

#[cfg(test)]
mod tests;
