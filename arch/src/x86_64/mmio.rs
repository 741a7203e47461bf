//! Physical memory and device registers, as the kernel's address space shows them.
//!
//! [`PhysicalWindow`] turns a physical address into a pointer; [`Registers`] is one device's block
//! of memory-mapped registers, which must be mapped uncached. Used by the device drivers and by
//! whoever edits page tables.

use core::ptr::NonNull;

/// The mapping of all physical memory at one fixed virtual offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysicalWindow {
    /// Virtual address at which physical address 0 appears.
    pub base: u64,
}

impl PhysicalWindow {
    /// A window that shows physical address 0 at `base`.
    pub const fn new(base: u64) -> Self {
        Self { base }
    }

    /// Where physical address `physical` appears. Only arithmetic: whether memory is there, and
    /// may be used, is for the caller to know.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "usize is 64 bits wide on this architecture"
    )]
    pub const fn pointer<T>(&self, physical: u64) -> *mut T {
        core::ptr::with_exposed_provenance_mut(self.base.wrapping_add(physical) as usize)
    }
}

/// Maps `length` bytes of device registers at a physical address, uncached, writable and never
/// executable, in the half of the address space that all processes share, and for good. Returns
/// null when it cannot.
pub type MapMmio<'a> = &'a mut dyn FnMut(u64, u64) -> *mut u8;

/// A block of 32-bit device registers.
#[derive(Debug)]
pub struct Registers {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping is in the kernel half, the same in every address space and on every CPU, and
// lasts for ever. Exclusive access, where a device needs it, is the owner's affair, as for a port.
unsafe impl Send for Registers {}

// SAFETY: as for `Send`; each access is one volatile load or store of an aligned 32-bit word.
unsafe impl Sync for Registers {}

impl Registers {
    /// The `length` bytes of registers mapped at `base`, or `None` if `base` is null.
    ///
    /// # Safety
    /// `base` is aligned to 4 bytes and maps `length` bytes of device registers, uncached, for
    /// good. No access to them changes memory that Rust code relies on.
    pub unsafe fn new(base: *mut u8, length: usize) -> Option<Self> {
        Some(Self { base: NonNull::new(base)?, length })
    }

    /// Address of the register at `offset`.
    ///
    /// # Panics
    /// If the register is not aligned or not inside the block: offsets are constants of a driver.
    pub fn address(&self, offset: usize) -> *mut u32 {
        assert!(
            offset.is_multiple_of(4) && offset < self.length && self.length - offset >= 4,
            "device register {offset:#x} outside its block of {:#x} bytes",
            self.length
        );
        // SAFETY: in bounds of the mapped block, as just checked.
        unsafe { self.base.as_ptr().add(offset) }.cast()
    }

    /// Reads the register at `offset`.
    pub fn read(&self, offset: usize) -> u32 {
        // SAFETY: an aligned register of the block, mapped for good (`new`).
        unsafe { self.address(offset).read_volatile() }
    }

    /// Writes the register at `offset`.
    #[inline]
    pub fn write(&self, offset: usize, value: u32) {
        // SAFETY: an aligned register of the block, mapped for good (`new`).
        unsafe { self.address(offset).write_volatile(value) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_adds_its_base() {
        let window = PhysicalWindow::new(0xffff_8800_0000_0000);
        assert_eq!(window.pointer::<u8>(0xfee0_0000).addr(), 0xffff_8800_fee0_0000);
    }

    #[test]
    fn registers_read_what_was_written() {
        let mut block = [0_u32; 4];
        // SAFETY: ordinary memory of 16 bytes that outlives the registers.
        let registers = unsafe { Registers::new(block.as_mut_ptr().cast(), 16) }.unwrap();
        registers.write(12, 7);
        assert_eq!(registers.read(12), 7);
    }

    #[test]
    #[should_panic(expected = "outside its block")]
    fn a_register_beyond_the_block_is_refused() {
        let mut block = [0_u32; 4];
        // SAFETY: ordinary memory of 16 bytes that outlives the registers.
        let registers = unsafe { Registers::new(block.as_mut_ptr().cast(), 16) }.unwrap();
        registers.read(16);
    }

    #[test]
    fn a_mapping_that_failed_gives_no_registers() {
        // SAFETY: null is refused.
        assert!(unsafe { Registers::new(core::ptr::null_mut(), 16) }.is_none());
    }
}
