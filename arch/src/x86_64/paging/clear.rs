//! Taking pages out of a tree, and the tables that are empty afterwards.

use core::ops::{Range, RangeInclusive};

use x86_64::structures::paging::{PhysFrame, page_table::PageTableEntry};

use super::entry::Slot;
use super::occupancy::Occupancy;
use super::{
    ENTRIES, LEAF_SHIFT, LEVEL_BITS, LOWER_HALF_END, PageTables, ROOT_SHIFT, index, table, target,
};
use crate::mmio::PhysicalWindow;

/// Who gets what [`PageTables::clear`] takes out of a tree.
pub trait Reclaim {
    /// The page at `address` is no longer there; it was `slot`, which is never empty.
    fn page(&mut self, address: u64, slot: Slot);
    /// The table for `address` is no longer part of the tree; it holds only zeros.
    fn table(&mut self, address: u64, frame: PhysFrame);
}

impl PageTables {
    /// Empties `pages` (page-aligned, in the lower half) and hands what was there to `sink`.
    pub fn clear(&mut self, pages: Range<u64>, sink: &mut impl Reclaim) {
        assert!(pages.end <= LOWER_HALF_END, "only user space is taken down");
        if !pages.is_empty() {
            let root =
                Subtree { window: self.window, frame: self.root, shift: ROOT_SHIFT, start: 0 };
            let pages = pages.start..=pages.end - 1;
            self.occupancy = root.clear(self.occupancy, &pages, sink);
        }
    }
}

/// One table of a tree that is being cleared, and where in the address space it stands.
struct Subtree {
    window: PhysicalWindow,
    frame: PhysFrame,
    /// Address bits below the index into this table.
    shift: u32,
    /// The address that its first entry stands for.
    start: u64,
}

impl Subtree {
    /// Empties `pages` as far as they lie in this table; returns what is left of `occupancy`.
    fn clear(
        &self,
        occupancy: Occupancy,
        pages: &RangeInclusive<u64>,
        sink: &mut impl Reclaim,
    ) -> Occupancy {
        // SAFETY: the caller holds the tree mutably and holds no reference to this table.
        let table = unsafe { table(self.window, self.frame) };
        let end = self.start + ((ENTRIES as u64) << self.shift) - 1;
        let first = index((*pages.start()).max(self.start), self.shift);
        let last = index((*pages.end()).min(end), self.shift);
        let mut left = Occupancy::EMPTY;
        for group in occupancy.groups() {
            for slot in occupancy.used(table, group) {
                let entry = &mut table[slot];
                if (first..=last).contains(&slot) {
                    self.remove(entry, slot, pages, sink);
                }
                if !entry.is_unused() {
                    left = left.with(Occupancy::of_index(slot));
                }
            }
        }
        left
    }

    /// Empties `pages` as far as they lie under `entry`, which is the one at `slot`.
    fn remove(
        &self,
        entry: &mut PageTableEntry,
        slot: usize,
        pages: &RangeInclusive<u64>,
        sink: &mut impl Reclaim,
    ) {
        let start = self.start + ((slot as u64) << self.shift);
        if self.shift == LEAF_SHIFT {
            let was = Slot::of(entry);
            entry.set_unused();
            sink.page(start, was);
            return;
        }
        let below = Self {
            window: self.window,
            frame: target(entry),
            shift: self.shift - LEVEL_BITS,
            start,
        };
        let left = below.clear(Occupancy::of(entry), pages, sink);
        if left == Occupancy::EMPTY {
            entry.set_unused();
            sink.table(start, below.frame);
        } else {
            left.store(entry);
        }
    }
}
