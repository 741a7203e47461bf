//! Four-level page tables (SDM vol. 3, 4.5), read and written through the physical window.
//!
//! [`PageTables`] is one tree; [`Slot`] says what a page is: nothing, a promise of a zeroed page
//! (*demand*), or a frame with [`Rights`]. Only the kernel's memory module calls this. Two things
//! stay true above the leaf entries:
//!
//! * An entry that refers to a table carries the table's *occupancy* in bits that the CPU ignores:
//!   where something may be in it. Taking a tree down costs what it holds, not 512 entries for
//!   every table.
//! * A table whose last entry is cleared is handed back at once, all zero.
//!
//! TLB: a slot that becomes present needs no flush, the CPU caches no absent entries (4.10.2.3).
//! Whoever takes a slot out of the live tree flushes it before the frame is used again.

mod clear;
mod copy;
mod entry;
mod occupancy;
mod share;
#[cfg(test)]
mod tests;

pub use clear::Reclaim;
pub use entry::{Mapping, PROMISED, Rights, Slot};
pub use share::RootEntry;
pub use x86_64::{PhysAddr, structures::paging::PhysFrame};

use core::ops::Range;

use super::mmio::PhysicalWindow;
use occupancy::Occupancy;
use x86_64::{
    VirtAddr,
    instructions::tlb,
    registers::control::{Cr3, Cr3Flags},
    structures::paging::{PageTableFlags as Flags, page_table::PageTableEntry},
};

/// Bytes in a page.
pub const PAGE_SIZE: u64 = 4096;

/// Address bits below the index of a root entry, and of a leaf entry; 9 for each level between.
const ROOT_SHIFT: u32 = 39;
const LEAF_SHIFT: u32 = 12;
const LEVEL_BITS: u32 = 9;

/// Entries of a table.
const ENTRIES: usize = 1 << LEVEL_BITS;

type Table = [PageTableEntry; ENTRIES];

/// Bytes that one leaf table maps.
const LEAF_TABLE_SPAN: u64 = 1 << (LEAF_SHIFT + LEVEL_BITS);

/// Bits of an entry that are an address.
const ADDRESS_BITS: u64 = 0x000f_ffff_ffff_f000;

/// First address that is not in the lower half.
const LOWER_HALF_END: u64 = 1 << 47;

/// A tree could not grow: there was no frame for another table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfTables;

/// Where a tree that grows gets its tables from.
pub trait TableSource {
    /// A frame that holds only zeros, if there is one.
    fn table(&mut self) -> Option<PhysFrame>;
}

/// One tree of page tables. A handle: dropping it frees nothing.
#[derive(Debug)]
pub struct PageTables {
    root: PhysFrame,
    window: PhysicalWindow,
    /// Of the lower half of the root table, which has no entry above it to keep it in.
    occupancy: Occupancy,
}

impl PageTables {
    /// The tree under `root`.
    ///
    /// # Safety
    /// 1. `window` shows all physical memory, writable.
    /// 2. `root` is a root table whose lower half is empty or was never given out by this module.
    /// 3. While the handle lives nothing else changes the tables of its lower half.
    #[must_use]
    pub const unsafe fn new(root: PhysFrame, window: PhysicalWindow) -> Self {
        Self { root, window, occupancy: Occupancy::EMPTY }
    }

    /// The frame of the root table: what CR3 holds while the tree is live.
    #[must_use]
    #[inline]
    pub const fn root(&self) -> PhysFrame {
        self.root
    }

    /// What the page at `address` is; inside a large page, the 4 KiB piece at `address`.
    #[must_use]
    #[inline]
    pub fn lookup(&self, address: u64) -> Slot {
        let mut frame = self.root;
        let mut shift = ROOT_SHIFT;
        loop {
            // SAFETY: `frame` is a table of this tree, and `self` is borrowed.
            let table = unsafe { table(self.window, frame) };
            let entry = &table[index(address, shift)];
            if shift == LEAF_SHIFT {
                return Slot::of(entry);
            }
            let flags = entry.flags();
            if !flags.contains(Flags::PRESENT) {
                return Slot::Empty;
            }
            if flags.contains(Flags::HUGE_PAGE) {
                return Slot::of_large(entry, address, shift);
            }
            frame = target(entry);
            shift -= LEVEL_BITS;
        }
    }

    /// Changes every slot of `pages` (page-aligned) to what `set` makes of its address and of
    /// what it is. Missing tables come from `source`, which `set` may use too.
    ///
    /// Stops at the first error, its own or `set`'s: the slots before it are changed, and
    /// [`clear`](Self::clear) takes them back.
    ///
    /// # Errors
    /// [`OutOfTables`] when `source` gives nothing, and whatever `set` returns.
    pub fn update<S: TableSource, E: From<OutOfTables>>(
        &mut self,
        pages: Range<u64>,
        source: &mut S,
        mut set: impl FnMut(&mut S, u64, Slot) -> Result<Slot, E>,
    ) -> Result<(), E> {
        let mut page = pages.start;
        while page < pages.end {
            let last = (page | (LEAF_TABLE_SPAN - 1)).min(pages.end - 1);
            let slots = index(page, LEAF_SHIFT)..=index(last, LEAF_SHIFT);
            let occupancy = Occupancy::of_indices(*slots.start(), *slots.end());
            let table = self.leaf_table(page, occupancy, source)?;
            for entry in &mut table[slots] {
                set(source, page, Slot::of(entry))?.store(entry);
                page += PAGE_SIZE;
            }
        }
        Ok(())
    }

    /// The leaf table that maps `address`, of which the entries of `leaf` are going to be filled.
    /// Makes it if there is none.
    fn leaf_table(
        &mut self,
        address: u64,
        leaf: Occupancy,
        source: &mut impl TableSource,
    ) -> Result<&mut Table, OutOfTables> {
        let user = if address < LOWER_HALF_END { Flags::USER_ACCESSIBLE } else { Flags::empty() };
        if address < LOWER_HALF_END {
            self.occupancy = self.occupancy.with(Occupancy::of_index(index(address, ROOT_SHIFT)));
        }
        let mut frame = self.root;
        let mut shift = ROOT_SHIFT;
        while shift > LEAF_SHIFT {
            // SAFETY: `frame` is a table of this tree, and `self` is borrowed mutably.
            let table = unsafe { table(self.window, frame) };
            let entry = &mut table[index(address, shift)];
            if entry.is_unused() {
                let new = source.table().ok_or(OutOfTables)?;
                entry.set_frame(new, Flags::PRESENT | Flags::WRITABLE | user);
            }
            assert!(!entry.flags().contains(Flags::HUGE_PAGE), "a large page is never changed");
            shift -= LEVEL_BITS;
            let below = match shift {
                LEAF_SHIFT => leaf,
                _ => Occupancy::of_index(index(address, shift)),
            };
            Occupancy::add_to(entry, below);
            frame = target(entry);
        }
        // SAFETY: `frame` is a table of this tree, and `self` stays borrowed mutably.
        Ok(unsafe { table(self.window, frame) })
    }
}

/// Loads `tables` into CR3: the address space changes here.
///
/// # Safety
/// Everything the kernel uses from now on is mapped alike in the upper half of `tables`.
pub unsafe fn activate(tables: &PageTables) {
    // SAFETY: as the caller promises. Bits 3 and 4 of CR3, the caching of the tables, stay 0.
    unsafe { Cr3::write(tables.root(), Cr3Flags::empty()) };
}

/// The root of the tree that is live.
#[must_use]
#[inline]
pub fn active_root() -> PhysFrame {
    Cr3::read().0
}

/// Makes the CPU forget what it cached about the page at `address`, tables above it included
/// (SDM vol. 3, 4.10.4.1).
#[inline]
pub fn flush(address: u64) {
    tlb::flush(VirtAddr::new_truncate(address));
}

/// The table in `frame`.
///
/// # Safety
/// `window` shows all physical memory, `frame` holds a page table, and for as long as `'a` the
/// caller makes no other reference to it.
#[inline]
unsafe fn table<'a>(window: PhysicalWindow, frame: PhysFrame) -> &'a mut Table {
    // SAFETY: as the caller promises; every bit pattern is a valid table, and frames are aligned.
    unsafe { &mut *window.pointer(frame.start_address().as_u64()) }
}

/// All bits of an entry.
#[inline]
fn raw(entry: &PageTableEntry) -> u64 {
    entry.addr().as_u64() | entry.flags().bits()
}

/// The frame an entry refers to.
#[inline]
fn target(entry: &PageTableEntry) -> PhysFrame {
    PhysFrame::containing_address(entry.addr())
}

/// The index that `address` has in a table with `shift` address bits below its index.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits here")]
fn index(address: u64, shift: u32) -> usize {
    (address >> shift) as usize % ENTRIES
}
