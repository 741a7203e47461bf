//! Counters whose rate is known beforehand, to measure the others against.
//!
//! [`Reference`] is the HPET, the ACPI power-management timer, or, as last resort, channel 2 of
//! the 8254 interval timer; all are read as a number that counts up and wraps around. Used once,
//! by `calibrate`.

use core::fmt;

use x86_64::instructions::port::Port;

use crate::x86_64::{
    acpi::{Platform, PmTimer},
    mmio::{MapMmio, Registers},
};

/// Femtoseconds in a second: the unit of the HPET's period.
pub const FEMTOS_PER_SECOND: u64 = 1_000_000_000_000_000;

/// Rate of the power-management timer (ACPI 6.5, 4.8.3.3).
const PM_TIMER_HZ: u64 = 3_579_545;
/// Rate of the 8254's channels.
const PIT_HZ: u64 = 1_193_182;

/// A running counter of known rate.
#[derive(Debug)]
pub struct Reference {
    source: Source,
    /// The bits that count, all ones.
    pub mask: u32,
    /// Time between two counts.
    pub period_femtos: u64,
}

/// Which counter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The high-precision event timer.
    Hpet,
    /// The ACPI power-management timer.
    PmTimer,
    /// The 8254 interval timer.
    Pit,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hpet => "HPET",
            Self::PmTimer => "ACPI timer",
            Self::Pit => "8254 timer",
        })
    }
}

#[derive(Debug)]
enum Source {
    Hpet(Registers),
    PmTimer(Port<u32>),
    Pit,
}

impl Reference {
    /// The HPET, set running; `None` if there is none or it says nonsense.
    ///
    /// # Safety
    /// `platform` describes this machine, `map` does what [`MapMmio`] says, and nothing else
    /// drives the HPET.
    pub unsafe fn hpet(platform: &Platform, map: MapMmio<'_>) -> Option<Self> {
        let base = map(platform.hpet?, hpet::LENGTH);
        // SAFETY: the caller's promises; the HPET does not touch memory.
        let registers = unsafe { Registers::new(base, hpet::BLOCK) }?;
        let period = registers.read(hpet::PERIOD);
        if period == 0 || period > hpet::MAX_PERIOD {
            return None;
        }
        let configuration = registers.read(hpet::CONFIGURATION);
        registers.write(hpet::CONFIGURATION, (configuration & !hpet::LEGACY_ROUTE) | hpet::ENABLE);
        Some(Self {
            source: Source::Hpet(registers),
            mask: u32::MAX,
            period_femtos: u64::from(period),
        })
    }

    /// The power-management timer; `None` if there is none.
    pub fn pm_timer(platform: &Platform) -> Option<Self> {
        let PmTimer { port, mask } = platform.pm_timer?;
        Some(Self {
            source: Source::PmTimer(Port::new(port)),
            mask,
            period_femtos: FEMTOS_PER_SECOND / PM_TIMER_HZ,
        })
    }

    /// Channel 2 of the 8254, set running through its whole range again and again.
    pub fn pit() -> Self {
        pit::start();
        Self {
            source: Source::Pit,
            mask: u32::from(u16::MAX),
            period_femtos: FEMTOS_PER_SECOND / PIT_HZ,
        }
    }

    /// Which counter it is.
    pub const fn kind(&self) -> Kind {
        match self.source {
            Source::Hpet(_) => Kind::Hpet,
            Source::PmTimer(_) => Kind::PmTimer,
            Source::Pit => Kind::Pit,
        }
    }

    /// The count; only the bits of `mask` mean anything.
    pub fn read(&mut self) -> u32 {
        match &mut self.source {
            // The low half is enough for a short while, and one access cannot tear.
            Source::Hpet(registers) => registers.read(hpet::COUNTER),
            // SAFETY: reading the timer changes nothing.
            Source::PmTimer(port) => unsafe { port.read() },
            // It counts down.
            Source::Pit => u32::from(!pit::read()),
        }
    }
}

/// Registers of the HPET (IA-PC HPET Specification 1.0a, 2.3).
mod hpet {
    /// What is mapped: timers included.
    pub(super) const LENGTH: u64 = 0x400;
    /// What is used.
    pub(super) const BLOCK: usize = 0x100;
    /// Upper half of the capabilities: femtoseconds between two counts.
    pub(super) const PERIOD: usize = 0x04;
    pub(super) const CONFIGURATION: usize = 0x10;
    /// Lower half of the main counter.
    pub(super) const COUNTER: usize = 0xf0;

    /// Largest permitted period: 100 nanoseconds.
    pub(super) const MAX_PERIOD: u32 = 100_000_000;
    pub(super) const ENABLE: u32 = 1;
    /// Timers 0 and 1 replace the 8254 and the real-time clock on their interrupt lines.
    pub(super) const LEGACY_ROUTE: u32 = 2;
}

/// Channel 2 of the 8254, whose gate is bit 0 of port 0x61 (the speaker's).
mod pit {
    use x86_64::instructions::port::Port;

    const CHANNEL_2: u16 = 0x42;
    const COMMAND: u16 = 0x43;
    const GATE: u16 = 0x61;
    /// Channel 2, low byte then high byte, mode 2 (rate generator: counts down by one), binary.
    const MODE: u8 = 0b1011_0100;
    /// Latch channel 2.
    const LATCH: u8 = 0b1000_0000;
    const GATE_OPEN: u8 = 1;
    const SPEAKER: u8 = 2;

    pub(super) fn start() {
        write(GATE, (read_port(GATE) & !SPEAKER) | GATE_OPEN);
        write(COMMAND, MODE);
        // 0 stands for 65,536.
        write(CHANNEL_2, 0);
        write(CHANNEL_2, 0);
    }

    pub(super) fn read() -> u16 {
        write(COMMAND, LATCH);
        let low = read_port(CHANNEL_2);
        let high = read_port(CHANNEL_2);
        u16::from_le_bytes([low, high])
    }

    fn read_port(port: u16) -> u8 {
        // SAFETY: only this module drives channel 2 and its gate; they cannot change memory.
        unsafe { Port::new(port).read() }
    }

    fn write(port: u16, value: u8) {
        // SAFETY: only this module drives channel 2 and its gate; they cannot change memory.
        unsafe { Port::new(port).write(value) };
    }
}
