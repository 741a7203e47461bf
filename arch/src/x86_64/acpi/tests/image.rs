//! A physical memory with ACPI tables in it, made by the test.

use std::{vec, vec::Vec};

use crate::x86_64::{
    acpi::{Error, Platform, discover},
    mmio::PhysicalWindow,
};

/// A physical memory with tables in it.
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
    pub(super) tables: Vec<u32>,
    next: usize,
}

pub(super) const RSDP: u32 = 0x100;
pub(super) const MEMORY: u32 = 0x4000;

impl Image {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; MEMORY as usize], tables: Vec::new(), next: 0x200 }
    }

    /// Places a table with a right header; its address.
    pub(super) fn place(&mut self, signature: &[u8; 4], revision: u8, body: &[u8]) -> u32 {
        let mut table = Vec::from(signature);
        table.extend(u32::try_from(36 + body.len()).unwrap().to_le_bytes());
        table.extend([revision, 0]);
        table.resize(36, b' ');
        table.extend(body);
        seal(&mut table, 9);
        let address = self.next;
        self.bytes[address..address + table.len()].copy_from_slice(&table);
        self.next = (address + table.len()).next_multiple_of(4);
        u32::try_from(address).unwrap()
    }

    pub(super) fn add(&mut self, signature: &[u8; 4], revision: u8, body: &[u8]) -> u32 {
        let address = self.place(signature, revision, body);
        self.tables.push(address);
        address
    }

    /// Ends with an RSDP and RSDT of ACPI 1.0, as QEMU's BIOS machine has them.
    pub(super) fn with_rsdt(mut self) -> Self {
        let list: Vec<u8> = self.tables.iter().flat_map(|table| table.to_le_bytes()).collect();
        let rsdt = self.place(b"RSDT", 1, &list);
        let mut rsdp = Vec::from(*b"RSD PTR \0ORBITA\0");
        rsdp.extend(rsdt.to_le_bytes());
        seal(&mut rsdp, 8);
        self.put(RSDP, &rsdp);
        self
    }

    /// Ends with an RSDP and XSDT of ACPI 2.0, as UEFI has them.
    pub(super) fn with_xsdt(mut self) -> Self {
        let list: Vec<u8> =
            self.tables.iter().flat_map(|table| u64::from(*table).to_le_bytes()).collect();
        let xsdt = self.place(b"XSDT", 1, &list);
        let mut rsdp = Vec::from(*b"RSD PTR \0ORBITA\x02\0\0\0\0");
        seal(&mut rsdp, 8);
        rsdp.extend(36_u32.to_le_bytes());
        rsdp.extend(u64::from(xsdt).to_le_bytes());
        rsdp.extend([0; 4]);
        seal(&mut rsdp, 32);
        self.put(RSDP, &rsdp);
        self
    }

    pub(super) fn put(&mut self, address: u32, bytes: &[u8]) {
        let address = address as usize;
        self.bytes[address..address + bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn discover(&self) -> Result<Platform, Error> {
        self.discover_at(RSDP.into())
    }

    pub(super) fn discover_at(&self, rsdp: u64) -> Result<Platform, Error> {
        let window = PhysicalWindow::new(self.bytes.as_ptr().expose_provenance() as u64);
        // SAFETY: the window shows `bytes`, all of which is readable and stays as it is.
        unsafe { discover(rsdp, window, self.bytes.len() as u64) }
    }
}

/// Makes the bytes add up to zero by the one at `position`.
pub(super) fn seal(bytes: &mut [u8], position: usize) {
    bytes[position] = 0;
    let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    bytes[position] = sum.wrapping_neg();
}
