//! Tables of machines that are not there: as QEMU makes them, and broken in every way.

mod image;

use std::{string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use self::image::{Image, MEMORY, RSDP, seal};
use super::*;

/// What QEMU's MADT says, without its header.
fn madt() -> Vec<u8> {
    let mut body = Vec::from(0xfee0_0000_u32.to_le_bytes());
    body.extend(1_u32.to_le_bytes());
    body.extend([0, 8, 0, 0, 1, 0, 0, 0]);
    body.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0]);
    body.extend([2, 10, 0, 0, 2, 0, 0, 0, 0, 0]);
    body.extend([2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0]);
    body.extend([4, 6, 0xff, 0, 0, 1]);
    body
}

fn hpet(address: u64) -> Vec<u8> {
    let mut body = vec![0x01, 0xa2, 0x86, 0x80, 0, 64, 0, 0];
    body.extend(address.to_le_bytes());
    body.extend([0; 4]);
    body
}

/// A FADT whose power-management timer is at `port`, `length` bytes long with its header.
fn fadt(port: u32, length: usize) -> Vec<u8> {
    let mut body = vec![0; length - 36];
    body[76 - 36..80 - 36].copy_from_slice(&port.to_le_bytes());
    body[91 - 36] = 4;
    body
}

fn qemu() -> Image {
    let mut image = Image::new();
    image.add(b"FACP", 1, &fadt(0x608, 116));
    image.add(b"APIC", 1, &madt());
    image.add(b"HPET", 1, &hpet(0xfed0_0000));
    image
}

fn expect_qemu(platform: &Platform) {
    assert_eq!(platform.local_apic, 0xfee0_0000);
    assert_eq!(platform.processors, 1);
    assert_eq!(platform.nmi_input, 1);
    assert_eq!(platform.io_apics(), [IoApicInfo { address: 0xfec0_0000, gsi_base: 0 }]);
    assert_eq!(platform.hpet, Some(0xfed0_0000));
    assert_eq!(platform.pm_timer, Some(PmTimer { port: 0x608, mask: 0xff_ffff }));
    assert_eq!(platform.isa_line(0).gsi, 2);
    for irq in [1, 4] {
        let line =
            IsaLine { gsi: u32::from(irq), polarity: Polarity::High, trigger: Trigger::Edge };
        assert_eq!(platform.isa_line(irq), line);
    }
    assert_eq!(platform.isa_line(9).trigger, Trigger::Level);
    assert!(platform.keyboard_controller);
    assert_eq!(platform.defect, None);
}

#[test]
fn both_root_tables_lead_to_the_platform() {
    expect_qemu(&qemu().with_rsdt().discover().unwrap());
    // The XSDT's 64-bit entries start 36 bytes in: they are not aligned.
    expect_qemu(&qemu().with_xsdt().discover().unwrap());
}

#[test]
fn a_line_of_the_serial_port_can_be_anything() {
    let mut body = madt();
    body.extend([2, 10, 0, 4, 20, 0, 0, 0, 0x0f, 0]);
    let mut image = Image::new();
    image.add(b"APIC", 1, &body);
    let line = image.with_rsdt().discover().unwrap().isa_line(4);
    assert_eq!(line, IsaLine { gsi: 20, polarity: Polarity::Low, trigger: Trigger::Level });
}

#[test]
fn the_address_override_moves_the_local_apic() {
    let mut body = madt();
    body.extend([5, 12, 0, 0]);
    body.extend(0x1_0000_0000_u64.to_le_bytes());
    let mut image = Image::new();
    image.add(b"APIC", 1, &body);
    assert_eq!(image.with_rsdt().discover().unwrap().local_apic, 0x1_0000_0000);
}

#[test]
fn a_newer_fadt_says_whether_there_is_a_keyboard_controller() {
    for (flags, present) in [(0, false), (2, true)] {
        let mut body = fadt(0xb008, 244);
        body[109 - 36] = flags;
        body[113 - 36] = 1;
        let mut image = Image::new();
        image.add(b"FACP", 3, &body);
        image.add(b"APIC", 1, &madt());
        let platform = image.with_rsdt().discover().unwrap();
        assert_eq!(platform.keyboard_controller, present);
        assert_eq!(platform.pm_timer, Some(PmTimer { port: 0xb008, mask: u32::MAX }));
    }
}

#[test]
fn the_extended_timer_block_counts_before_the_old_one() {
    let mut body = fadt(0xb008, 244);
    body[208 - 36..220 - 36].copy_from_slice(&[1, 32, 0, 3, 0x08, 0x06, 0, 0, 0, 0, 0, 0]);
    let mut image = Image::new();
    image.add(b"FACP", 3, &body);
    image.add(b"APIC", 1, &madt());
    let platform = image.with_rsdt().discover().unwrap();
    assert_eq!(platform.pm_timer.unwrap().port, 0x608);
}

#[test]
fn without_a_madt_there_is_nothing_to_go_by() {
    let mut image = Image::new();
    image.add(b"HPET", 1, &hpet(0xfed0_0000));
    assert_eq!(image.with_rsdt().discover(), Err(Error::Missing("MADT")));
    assert_eq!(Error::Missing("MADT").to_string(), "no MADT");
}

#[test]
fn a_wrong_rsdp_is_refused() {
    let mut image = qemu().with_rsdt();
    assert_eq!(image.discover_at(0), Err(Error::Missing("RSDP")));
    assert_eq!(image.discover_at(u64::from(MEMORY) - 8), Err(Error::OutsideMemory("RSDP")));
    assert_eq!(image.discover_at(u64::MAX), Err(Error::OutsideMemory("RSDP")));
    assert_eq!(image.discover_at(0x104), Err(Error::Signature("RSDP")));
    image.put(RSDP + 9, b"X");
    assert_eq!(image.discover(), Err(Error::Checksum("RSDP")));
}

#[test]
fn a_malformed_madt_is_refused() {
    let cases: [(&[u8], Error); 8] = [
        (&[1, 0], Error::Length("MADT")),
        (&[1, 1], Error::Length("MADT")),
        (&[1, 12, 0, 0], Error::Length("MADT")),
        (&[1, 4, 0, 0], Error::Length("MADT")),
        (&[1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Error::Value("MADT")),
        (&[2, 10, 0, 16, 2, 0, 0, 0, 0, 0], Error::Value("MADT")),
        (&[2, 10, 0, 4, 4, 0, 0, 0, 2, 0], Error::Value("MADT")),
        (&[4, 6, 0xff, 0, 0, 2], Error::Value("MADT")),
    ];
    for (entry, error) in cases {
        let mut body = madt();
        body.extend(entry);
        let mut image = Image::new();
        image.add(b"APIC", 1, &body);
        assert_eq!(image.with_rsdt().discover(), Err(error), "{entry:?}");
    }
    let mut image = Image::new();
    image.add(b"APIC", 1, &[0; 4]);
    assert_eq!(image.with_rsdt().discover(), Err(Error::Length("MADT")));
}

#[test]
fn more_io_apics_than_fit_are_refused() {
    let mut body = madt();
    for _ in 0..MAX_IO_APICS {
        body.extend([1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0]);
    }
    let mut image = Image::new();
    image.add(b"APIC", 1, &body);
    assert_eq!(image.with_rsdt().discover(), Err(Error::Length("MADT")));
}

#[test]
fn a_malformed_hpet_costs_only_the_hpet() {
    for address in [0, 0xfed0_0001] {
        let mut image = Image::new();
        image.add(b"APIC", 1, &madt());
        image.add(b"HPET", 1, &hpet(address));
        let platform = image.with_rsdt().discover().unwrap();
        assert_eq!(platform.hpet, None);
        assert_eq!(platform.defect, Some(Error::Value("HPET")));
    }
}

#[test]
fn an_entry_outside_memory_is_passed_over() {
    let mut image = qemu();
    image.tables.insert(0, 0xffff_f000);
    let platform = image.with_rsdt().discover().unwrap();
    assert_eq!(platform.hpet, Some(0xfed0_0000));
    assert_eq!(platform.defect, Some(Error::OutsideMemory("an ACPI table")));
}

#[test]
fn a_table_that_claims_to_be_huge_is_refused() {
    let mut image = Image::new();
    let address = image.add(b"APIC", 1, &madt());
    image.put(address + 4, &u32::MAX.to_le_bytes());
    assert_eq!(image.with_rsdt().discover(), Err(Error::Length("MADT")));
}

proptest! {
    /// Any change to the tables gives a platform or an error, and never reads outside memory.
    #[test]
    fn damaged_tables_never_panic(
        damage in prop::collection::vec((RSDP as usize..0x500, any::<u8>()), 1..12),
        xsdt in any::<bool>(),
        forgive in any::<bool>(),
    ) {
        let mut image = if xsdt { qemu().with_xsdt() } else { qemu().with_rsdt() };
        let tables = image.tables.clone();
        for (position, byte) in damage {
            image.bytes[position] = byte;
        }
        if forgive {
            // Right checksums, so that the damage is read.
            for table in tables {
                let start = table as usize;
                let length = u32::from_le_bytes(image.bytes[start + 4..start + 8].try_into().unwrap());
                let end = start.saturating_add(length as usize).min(MEMORY as usize);
                if end > start + 9 {
                    seal(&mut image.bytes[start..end], 9);
                }
            }
        }
        let _ = image.discover();
    }
}
