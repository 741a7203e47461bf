//! I/O APICs: which device interrupt reaches which CPU as which vector.
//!
//! [`IoApics::new`] masks every input of every I/O APIC; [`IoApics::route`] connects one. Register
//! access is the `x2apic` crate's. Owned by the kernel's interrupt set-up; the trap path needs
//! none of it, for an interrupt is acknowledged at the local APIC.

use core::fmt;

use x2apic::ioapic::{IoApic, IrqFlags, IrqMode, RedirectionTableEntry};

use crate::x86_64::{
    acpi::{MAX_IO_APICS, Platform, Polarity, Trigger},
    mmio::MapMmio,
};

/// Bytes of registers of one I/O APIC that are used: the select and the window register.
const BLOCK_LENGTH: u64 = 0x20;

/// What an input is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Interrupt vector.
    pub vector: u8,
    /// Which level means "interrupt".
    pub polarity: Polarity,
    /// Whether the change or the level counts.
    pub trigger: Trigger,
    /// Local APIC identifier of the CPU that gets it.
    pub destination: u8,
}

/// Why an I/O APIC cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Its registers cannot be mapped.
    Unmapped,
    /// No I/O APIC has this global system interrupt.
    NoSuchInput(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmapped => f.write_str("I/O APIC registers cannot be mapped"),
            Self::NoSuchInput(gsi) => write!(f, "no I/O APIC has input {gsi}"),
        }
    }
}

/// All I/O APICs of the machine.
#[derive(Debug)]
pub struct IoApics {
    chips: [Option<Chip>; MAX_IO_APICS],
}

#[derive(Debug)]
struct Chip {
    io_apic: IoApic,
    gsi_base: u32,
    inputs: u32,
}

impl IoApics {
    /// Takes over the I/O APICs of `platform` and masks all their inputs.
    ///
    /// # Errors
    /// If `map` cannot map the registers.
    ///
    /// # Safety
    /// `platform` describes this machine, `map` does what [`MapMmio`] says, and nothing else
    /// drives the I/O APICs from now on.
    pub unsafe fn new(platform: &Platform, map: MapMmio<'_>) -> Result<Self, Error> {
        let mut chips = [const { None }; MAX_IO_APICS];
        for (slot, info) in chips.iter_mut().zip(platform.io_apics()) {
            let base = map(info.address, BLOCK_LENGTH);
            if base.is_null() {
                return Err(Error::Unmapped);
            }
            // SAFETY: the caller's promises; `map` maps for good and everywhere.
            let mut io_apic = unsafe { IoApic::new(base.expose_provenance() as u64) };
            // SAFETY: a read of the version register.
            let last = unsafe { io_apic.max_table_entry() };
            for input in 0..=last {
                // SAFETY: an input of this chip; masking it disturbs no one.
                unsafe { io_apic.disable_irq(input) };
            }
            *slot = Some(Chip { io_apic, gsi_base: info.gsi_base, inputs: u32::from(last) + 1 });
        }
        Ok(Self { chips })
    }

    /// Connects global system interrupt `gsi` and unmasks it.
    ///
    /// An edge that comes while an input is masked is lost: route first, let the device interrupt
    /// after.
    ///
    /// # Errors
    /// If no I/O APIC has this input.
    pub fn route(&mut self, gsi: u32, route: Route) -> Result<(), Error> {
        let (io_apic, input) = self.input(gsi)?;
        let mut entry = RedirectionTableEntry::default();
        entry.set_vector(route.vector);
        entry.set_mode(IrqMode::Fixed);
        entry.set_dest(route.destination);
        let mut flags = IrqFlags::MASKED;
        flags.set(IrqFlags::LOW_ACTIVE, route.polarity == Polarity::Low);
        flags.set(IrqFlags::LEVEL_TRIGGERED, route.trigger == Trigger::Level);
        entry.set_flags(flags);
        // SAFETY: an input of this chip. Its two halves are written one by one, so masked.
        unsafe { io_apic.set_table_entry(input, entry) };
        // SAFETY: the entry is complete.
        unsafe { io_apic.enable_irq(input) };
        Ok(())
    }

    /// Masks global system interrupt `gsi`.
    ///
    /// # Errors
    /// If no I/O APIC has this input.
    pub fn mask(&mut self, gsi: u32) -> Result<(), Error> {
        let (io_apic, input) = self.input(gsi)?;
        // SAFETY: an input of this chip.
        unsafe { io_apic.disable_irq(input) };
        Ok(())
    }

    /// Unmasks global system interrupt `gsi`, which has been routed.
    ///
    /// # Errors
    /// If no I/O APIC has this input.
    pub fn unmask(&mut self, gsi: u32) -> Result<(), Error> {
        let (io_apic, input) = self.input(gsi)?;
        // SAFETY: an input of this chip.
        unsafe { io_apic.enable_irq(input) };
        Ok(())
    }

    /// How many I/O APICs and inputs there are, for the boot log.
    pub fn size(&self) -> (usize, u32) {
        let inputs = self.chips.iter().flatten().map(|chip| chip.inputs).sum();
        (self.chips.iter().flatten().count(), inputs)
    }

    fn input(&mut self, gsi: u32) -> Result<(&mut IoApic, u8), Error> {
        self.chips
            .iter_mut()
            .flatten()
            .find_map(|chip| {
                let input = gsi.checked_sub(chip.gsi_base).filter(|input| *input < chip.inputs)?;
                Some((&mut chip.io_apic, u8::try_from(input).ok()?))
            })
            .ok_or(Error::NoSuchInput(gsi))
    }
}
