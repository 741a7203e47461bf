//! What the firmware's ACPI tables say about interrupt controllers and timers.
//!
//! [`discover`] walks RSDP, RSDT or XSDT, MADT, FADT and HPET and gives a [`Platform`], a plain
//! value without pointers into the tables. The table layouts come from the `acpi` crate; the walk
//! is ours, because every length and address in a table is checked here before it is used, where
//! the crate's own walk trusts them (and reads unaligned XSDT entries, which panics in debug
//! builds). Called once at boot; needs no heap; a malformed table is an [`Error`], never a panic.

mod madt;
mod tables;
#[cfg(test)]
mod tests;
mod timers;

use core::fmt;

use acpi::sdt::Signature;

use self::tables::Memory;
use crate::x86_64::mmio::PhysicalWindow;

/// The most I/O APICs that are recorded; a PC has one, a server one per socket and bus.
pub const MAX_IO_APICS: usize = 16;

/// Interrupt controllers and timers of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Physical address of the local APIC's registers (used in xAPIC mode).
    pub local_apic: u64,
    /// Local interrupt input that carries the NMI: 0 or 1.
    pub nmi_input: u8,
    /// Processors that the firmware enabled.
    pub processors: u32,
    /// The I/O APICs; use [`Platform::io_apics`].
    io_apics: [IoApicInfo; MAX_IO_APICS],
    io_apic_count: usize,
    isa: [IsaLine; 16],
    /// Physical address of the HPET's registers.
    pub hpet: Option<u64>,
    /// The ACPI power-management timer.
    pub pm_timer: Option<PmTimer>,
    /// Whether a PS/2 keyboard controller may be probed for.
    pub keyboard_controller: bool,
    /// A table that was ignored because it is malformed, for the boot log.
    pub defect: Option<Error>,
}

/// One I/O APIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IoApicInfo {
    /// Physical address of its registers.
    pub address: u64,
    /// Global system interrupt of its first input.
    pub gsi_base: u32,
}

/// Where an interrupt line of the ISA bus arrives, and what it looks like there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsaLine {
    /// Global system interrupt number.
    pub gsi: u32,
    /// Which level means "interrupt".
    pub polarity: Polarity,
    /// Whether the change or the level counts.
    pub trigger: Trigger,
}

/// Which level of a line means "interrupt".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// Active high.
    High,
    /// Active low.
    Low,
}

/// Whether a line interrupts when it changes or as long as it is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// On the change to active.
    Edge,
    /// While active.
    Level,
}

/// The ACPI power-management timer: 3.579545 MHz, read through a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PmTimer {
    /// Its I/O port.
    pub port: u16,
    /// Bits that count, all ones: 24 or 32 bits.
    pub mask: u32,
}

/// What is wrong with the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A table lies (in part) outside memory.
    OutsideMemory(&'static str),
    /// A table does not start with its signature.
    Signature(&'static str),
    /// The bytes of a table do not add up to zero.
    Checksum(&'static str),
    /// A table or an entry in it is shorter or longer than it may be.
    Length(&'static str),
    /// A field has a value that means nothing.
    Value(&'static str),
    /// The table does not exist.
    Missing(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideMemory(table) => write!(f, "{table} lies outside memory"),
            Self::Signature(table) => write!(f, "{table} has a wrong signature"),
            Self::Checksum(table) => write!(f, "{table} has a wrong checksum"),
            Self::Length(table) => write!(f, "{table} has an impossible length"),
            Self::Value(table) => write!(f, "{table} has an impossible value"),
            Self::Missing(table) => write!(f, "no {table}"),
        }
    }
}

/// Reads the tables that the RSDP at physical address `rsdp` leads to.
///
/// A malformed FADT or HPET only costs that table ([`Platform::defect`] says so); without a sound
/// MADT there is nothing to go by.
///
/// # Errors
/// What is wrong with the first table that cannot be done without. [`Platform::conventional`] is
/// then the best guess.
///
/// # Safety
/// All of physical memory from 0 to `memory_end` can be read through `window`, and nothing writes
/// to the tables during the call.
pub unsafe fn discover(
    rsdp: u64,
    window: PhysicalWindow,
    memory_end: u64,
) -> Result<Platform, Error> {
    // SAFETY: the caller's promise, passed on.
    let memory = unsafe { Memory::new(window, memory_end) };
    let root = tables::root(&memory, rsdp)?;
    let mut platform = Platform::conventional();
    let mut found_madt = false;
    for address in root.entries() {
        // An entry that leads nowhere hides a table that may not concern us.
        let Ok(signature) = memory.signature(address) else {
            platform.defect = Some(Error::OutsideMemory("an ACPI table"));
            continue;
        };
        let outcome = if signature == Signature::MADT && !found_madt {
            found_madt = true;
            madt::read(&memory.table(address, "MADT")?, &mut platform)?;
            Ok(())
        } else if signature == Signature::FADT {
            memory.table(address, "FADT").map(|table| timers::read_fadt(&table, &mut platform))
        } else if signature == Signature::HPET {
            memory.table(address, "HPET").and_then(|table| timers::read_hpet(&table, &mut platform))
        } else {
            Ok(())
        };
        if let Err(error) = outcome {
            platform.defect = Some(error);
        }
    }
    if !found_madt {
        return Err(Error::Missing("MADT"));
    }
    Ok(platform)
}

impl Platform {
    /// A PC as it always was: one I/O APIC at its usual place, ISA interrupts on the inputs of
    /// their number, but the timer's on input 2.
    pub const fn conventional() -> Self {
        let mut isa = [IsaLine::conventional(0); 16];
        let mut irq = 0;
        while irq < 16 {
            isa[irq as usize] = IsaLine::conventional(irq);
            irq += 1;
        }
        isa[0].gsi = 2;
        let mut io_apics = [IoApicInfo { address: 0, gsi_base: 0 }; MAX_IO_APICS];
        io_apics[0].address = 0xfec0_0000;
        Self {
            local_apic: 0xfee0_0000,
            nmi_input: 1,
            processors: 1,
            io_apics,
            io_apic_count: 1,
            isa,
            hpet: None,
            pm_timer: None,
            keyboard_controller: true,
            defect: None,
        }
    }

    /// The I/O APICs.
    pub fn io_apics(&self) -> &[IoApicInfo] {
        &self.io_apics[..self.io_apic_count]
    }

    /// Where the ISA bus's interrupt line `irq` (0 to 15) arrives.
    pub fn isa_line(&self, irq: u8) -> IsaLine {
        self.isa.get(usize::from(irq)).copied().unwrap_or(IsaLine::conventional(u32::from(irq)))
    }
}

impl IsaLine {
    /// ISA lines are active high and edge triggered (MultiProcessor Specification 1.4, 4.3.4).
    const fn conventional(gsi: u32) -> Self {
        Self { gsi, polarity: Polarity::High, trigger: Trigger::Edge }
    }
}
