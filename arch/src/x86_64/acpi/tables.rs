//! Reading ACPI tables out of physical memory, with every address and length checked.
//!
//! [`Memory`] gives bytes only where there is memory; [`Table`] is a table whose length and
//! checksum are right. The packed layouts of the `acpi` crate are filled by copying.

use core::marker::PhantomData;

use acpi::{
    rsdp::Rsdp,
    sdt::{
        SdtHeader, Signature,
        fadt::Fadt,
        hpet::HpetTable,
        madt::{
            InterruptSourceOverrideEntry, IoApicEntry, LocalApicAddressOverrideEntry,
            LocalApicEntry, LocalApicNmiEntry, LocalX2ApicEntry, Madt, X2ApicNmiEntry,
        },
    },
};

use super::Error;
use crate::x86_64::mmio::PhysicalWindow;

/// Longest table that is read: more is a broken length, and a checksum over it would take long.
const MAX_LENGTH: usize = 1 << 20;

/// Length of the RSDP of ACPI 1.0, and of what its checksum covers in every version.
const RSDP_V1_LENGTH: usize = 20;

/// Physical memory that may be read.
pub(super) struct Memory<'a> {
    window: PhysicalWindow,
    end: u64,
    lifetime: PhantomData<&'a [u8]>,
}

impl<'a> Memory<'a> {
    /// # Safety
    /// All of physical memory from 0 to `end` can be read through `window` for `'a`, and nothing
    /// writes to what is read.
    pub(super) unsafe fn new(window: PhysicalWindow, end: u64) -> Self {
        Self { window, end, lifetime: PhantomData }
    }

    fn bytes(&self, address: u64, length: usize, name: &'static str) -> Result<&'a [u8], Error> {
        let length_u64 = u64::try_from(length).map_err(|_| Error::Length(name))?;
        if address == 0 || address > self.end || length_u64 > self.end - address {
            return Err(Error::OutsideMemory(name));
        }
        let start = self.window.pointer::<u8>(address).cast_const();
        // SAFETY: inside readable memory, as just checked, that nobody writes (`new`).
        Ok(unsafe { core::slice::from_raw_parts(start, length) })
    }

    /// The signature of the table at `address`.
    pub(super) fn signature(&self, address: u64) -> Result<Signature, Error> {
        let header: SdtHeader = fill(self.bytes(address, size_of::<SdtHeader>(), "header")?);
        Ok(header.signature)
    }

    /// The table at `address`, its length and checksum proved right.
    pub(super) fn table(&self, address: u64, name: &'static str) -> Result<Table<'a>, Error> {
        let header: SdtHeader = fill(self.bytes(address, size_of::<SdtHeader>(), name)?);
        let length = usize::try_from(header.length).map_err(|_| Error::Length(name))?;
        if !(size_of::<SdtHeader>()..=MAX_LENGTH).contains(&length) {
            return Err(Error::Length(name));
        }
        let bytes = self.bytes(address, length, name)?;
        check_sum(bytes, name)?;
        Ok(Table { bytes, name })
    }
}

/// A table of right length and checksum.
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    name: &'static str,
}

impl<'a> Table<'a> {
    /// The table as a `T`, all of which it must contain.
    pub(super) fn whole<T: Plain>(&self) -> Result<T, Error> {
        if self.bytes.len() < size_of::<T>() {
            return Err(Error::Length(self.name));
        }
        Ok(fill(self.bytes))
    }

    /// The table as a `T`; fields beyond its end are zero.
    pub(super) fn zero_extended<T: Plain>(&self) -> T {
        fill(self.bytes)
    }

    /// What follows the first `length` bytes.
    pub(super) fn after(&self, length: usize) -> &'a [u8] {
        self.bytes.get(length..).unwrap_or(&[])
    }
}

/// The root table: a list of the other tables' addresses.
pub(super) struct Root<'a> {
    entries: &'a [u8],
    entry_size: usize,
}

impl Root<'_> {
    /// Physical addresses of the tables.
    pub(super) fn entries(&self) -> impl Iterator<Item = u64> {
        self.entries.chunks_exact(self.entry_size).map(|entry| {
            let mut address = [0; 8];
            address[..entry.len()].copy_from_slice(entry);
            u64::from_le_bytes(address)
        })
    }
}

/// The root table that the RSDP at `address` names: the XSDT if it has one, else the RSDT.
pub(super) fn root<'a>(memory: &Memory<'a>, address: u64) -> Result<Root<'a>, Error> {
    const NAME: &str = "RSDP";
    if address == 0 {
        return Err(Error::Missing(NAME));
    }
    let first = memory.bytes(address, RSDP_V1_LENGTH, NAME)?;
    let mut rsdp: Rsdp = fill(first);
    if rsdp.signature != *b"RSD PTR " {
        return Err(Error::Signature(NAME));
    }
    check_sum(first, NAME)?;
    if rsdp.revision >= 2 {
        rsdp = fill(memory.bytes(address, size_of::<Rsdp>(), NAME)?);
        let length = usize::try_from(rsdp.length).map_err(|_| Error::Length(NAME))?;
        if !(size_of::<Rsdp>()..=MAX_LENGTH).contains(&length) {
            return Err(Error::Length(NAME));
        }
        check_sum(memory.bytes(address, length, NAME)?, NAME)?;
    }
    let (address, signature, name, entry_size) = if rsdp.xsdt_address == 0 {
        (u64::from(rsdp.rsdt_address), Signature::RSDT, "RSDT", 4)
    } else {
        (rsdp.xsdt_address, Signature::XSDT, "XSDT", 8)
    };
    if memory.signature(address).map_err(|_| Error::OutsideMemory(name))? != signature {
        return Err(Error::Signature(name));
    }
    let table = memory.table(address, name)?;
    Ok(Root { entries: table.after(size_of::<SdtHeader>()), entry_size })
}

fn check_sum(bytes: &[u8], name: &'static str) -> Result<(), Error> {
    if bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0 {
        Ok(())
    } else {
        Err(Error::Checksum(name))
    }
}

/// The layouts of the `acpi` crate that are filled from bytes here.
///
/// # Safety
/// Every bit pattern is a valid value, so that bytes from the firmware, and zeroes, are one.
pub(super) unsafe trait Plain: Sized {}

macro_rules! plain {
    ($($layout:ty),+ $(,)?) => {
        $(
            // SAFETY: a packed structure of integers and byte arrays, wrapped or not.
            unsafe impl Plain for $layout {}
        )+
    };
}

plain!(Rsdp, SdtHeader, Madt, Fadt, HpetTable);
plain!(LocalApicEntry, IoApicEntry, InterruptSourceOverrideEntry, LocalApicNmiEntry);
plain!(LocalApicAddressOverrideEntry, LocalX2ApicEntry, X2ApicNmiEntry);

/// A `T` from the start of `bytes`; what `bytes` lacks is zero.
pub(super) fn fill<T: Plain>(bytes: &[u8]) -> T {
    let mut value = core::mem::MaybeUninit::<T>::zeroed();
    let length = bytes.len().min(size_of::<T>());
    // SAFETY: both sides hold `length` bytes, and a fresh local does not overlap the source.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast::<u8>(), length);
    }
    // SAFETY: all bytes are initialised, and any bytes are a valid `T` (`Plain`).
    unsafe { value.assume_init() }
}
