//! The tables that say where the timers are: HPET and FADT.

use acpi::sdt::{fadt::Fadt, hpet::HpetTable};

use super::{Error, Platform, PmTimer, tables::Table};

/// HPET description table (IA-PC HPET Specification 1.0a, 3.2.4).
pub(super) fn read_hpet(table: &Table<'_>, platform: &mut Platform) -> Result<(), Error> {
    const SYSTEM_MEMORY: u8 = 0;
    let hpet: HpetTable = table.whole()?;
    let base = hpet.base_address;
    let address = base.address;
    if base.address_space != SYSTEM_MEMORY || address == 0 || !address.is_multiple_of(1024) {
        return Err(Error::Value("HPET"));
    }
    platform.hpet = Some(address);
    Ok(())
}

/// Fixed ACPI description table (ACPI 6.5, 5.2.9). Old ones are shorter: what is missing is zero.
pub(super) fn read_fadt(table: &Table<'_>, platform: &mut Platform) {
    const SYSTEM_IO: u8 = 1;
    const TIMER_LENGTH: u8 = 4;
    let fadt: Fadt = table.zero_extended();
    // SAFETY: `zero_extended` initialised every byte, those the table lacks too.
    let extended = unsafe { { fadt.x_pm_timer_block }.access(u8::MAX) };
    let port = match extended {
        Some(block) if block.address_space == SYSTEM_IO && block.address != 0 => {
            u16::try_from(block.address).ok()
        }
        _ => u16::try_from(fadt.pm_timer_block).ok().filter(|port| *port != 0),
    };
    if fadt.pm_timer_length == TIMER_LENGTH {
        let mask = if { fadt.flags }.pm_timer_is_32_bit() { u32::MAX } else { 0xff_ffff };
        platform.pm_timer = port.map(|port| PmTimer { port, mask });
    }
    // The boot architecture flags exist since ACPI 2.0, whose FADT has revision 3.
    platform.keyboard_controller =
        fadt.header.revision < 3 || { fadt.iapc_boot_arch }.motherboard_implements_8042();
}
