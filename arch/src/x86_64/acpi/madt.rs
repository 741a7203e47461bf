//! The multiple APIC description table: interrupt controllers and how lines reach them.
//!
//! Layouts and numbers of the entries: ACPI 6.5, 5.2.12.

use acpi::sdt::madt::{
    InterruptSourceOverrideEntry, IoApicEntry, LocalApicAddressOverrideEntry, LocalApicEntry,
    LocalApicNmiEntry, LocalX2ApicEntry, Madt, Polarity as MpsPolarity, TriggerMode,
    X2ApicNmiEntry, parse_mps_inti_flags,
};

use super::{
    Error, IoApicInfo, IsaLine, Platform, Polarity, Trigger,
    tables::{Plain, Table, fill},
};

const NAME: &str = "MADT";

/// An entry's processor can be used.
const PROCESSOR_ENABLED: u32 = 1;
/// Bus number of the ISA bus: the only one that overrides speak of.
const ISA_BUS: u8 = 0;

/// Fills in what the table says.
pub(super) fn read(table: &Table<'_>, platform: &mut Platform) -> Result<(), Error> {
    let madt: Madt = table.whole()?;
    platform.local_apic = u64::from(madt.local_apic_address);
    platform.io_apic_count = 0;
    platform.processors = 0;
    let mut rest = table.after(size_of::<Madt>());
    while let [kind, length, ..] = *rest {
        let (entry, after) = rest
            .split_at_checked(usize::from(length))
            .filter(|(entry, _)| entry.len() >= 2)
            .ok_or(Error::Length(NAME))?;
        rest = after;
        read_entry(kind, entry, platform)?;
    }
    if platform.local_apic == 0 || !platform.local_apic.is_multiple_of(4096) {
        return Err(Error::Value(NAME));
    }
    Ok(())
}

fn read_entry(kind: u8, entry: &[u8], platform: &mut Platform) -> Result<(), Error> {
    match kind {
        0 => count_processor(whole::<LocalApicEntry>(entry)?.flags, platform),
        1 => add_io_apic(&whole(entry)?, platform)?,
        2 => override_isa_line(&whole(entry)?, platform)?,
        4 => set_nmi_input(whole::<LocalApicNmiEntry>(entry)?.nmi_line, platform)?,
        5 => {
            platform.local_apic = whole::<LocalApicAddressOverrideEntry>(entry)?.local_apic_address;
        }
        9 => count_processor(whole::<LocalX2ApicEntry>(entry)?.flags, platform),
        10 => set_nmi_input(whole::<X2ApicNmiEntry>(entry)?.nmi_line, platform)?,
        // Other controllers, sleep mailboxes, and what later versions add.
        _ => {}
    }
    Ok(())
}

fn count_processor(flags: u32, platform: &mut Platform) {
    if flags & PROCESSOR_ENABLED != 0 {
        platform.processors = platform.processors.saturating_add(1);
    }
}

fn add_io_apic(entry: &IoApicEntry, platform: &mut Platform) -> Result<(), Error> {
    let address = u64::from(entry.io_apic_address);
    if address == 0 || !address.is_multiple_of(16) {
        return Err(Error::Value(NAME));
    }
    let slot = platform.io_apics.get_mut(platform.io_apic_count).ok_or(Error::Length(NAME))?;
    *slot = IoApicInfo { address, gsi_base: entry.global_system_interrupt_base };
    platform.io_apic_count += 1;
    Ok(())
}

fn override_isa_line(
    entry: &InterruptSourceOverrideEntry,
    platform: &mut Platform,
) -> Result<(), Error> {
    let Some(line) = platform.isa.get_mut(usize::from(entry.irq)) else {
        return Err(Error::Value(NAME));
    };
    if entry.bus != ISA_BUS {
        return Err(Error::Value(NAME));
    }
    let (polarity, trigger) = parse_mps_inti_flags(entry.flags).map_err(|_| Error::Value(NAME))?;
    *line = IsaLine {
        gsi: entry.global_system_interrupt,
        polarity: match polarity {
            MpsPolarity::ActiveLow => Polarity::Low,
            MpsPolarity::SameAsBus | MpsPolarity::ActiveHigh => Polarity::High,
        },
        trigger: match trigger {
            TriggerMode::Level => Trigger::Level,
            TriggerMode::SameAsBus | TriggerMode::Edge => Trigger::Edge,
        },
    };
    Ok(())
}

fn set_nmi_input(input: u8, platform: &mut Platform) -> Result<(), Error> {
    if input > 1 {
        return Err(Error::Value(NAME));
    }
    platform.nmi_input = input;
    Ok(())
}

/// An entry as a `T`, all of which it must contain.
fn whole<T: Plain>(entry: &[u8]) -> Result<T, Error> {
    if entry.len() < size_of::<T>() {
        return Err(Error::Length(NAME));
    }
    Ok(fill(entry))
}
