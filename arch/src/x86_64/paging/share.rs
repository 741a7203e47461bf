//! The upper half, which every tree shares: entries of one root table made those of another.

use core::num::NonZero;

use x86_64::{PhysAddr, structures::paging::PageTableFlags as Flags};

use super::{ADDRESS_BITS, ENTRIES, PageTables, raw, table};

/// One entry of a root table that several trees share.
#[derive(Clone, Copy, Debug)]
pub struct RootEntry {
    slot: usize,
    bits: NonZero<u64>,
}

impl PageTables {
    /// The root entries of the upper half that are there.
    pub fn upper_half(&self) -> impl Iterator<Item = RootEntry> {
        // SAFETY: `root` is a table of this tree, and `self` is borrowed.
        let root = unsafe { table(self.window, self.root) };
        let upper = root.iter().enumerate().skip(ENTRIES / 2);
        upper.filter_map(|(slot, entry)| Some(RootEntry { slot, bits: NonZero::new(raw(entry))? }))
    }

    /// Makes a part of another tree's upper half a part of this one.
    ///
    /// # Safety
    /// The tables that `entry` refers to live as long as this tree is used.
    pub unsafe fn share(&mut self, entry: RootEntry) {
        self.set_root(entry.slot, entry.bits.get());
    }

    /// Takes out what [`share`](Self::share) put in. The tree must not be live.
    pub fn unshare(&mut self, entry: RootEntry) {
        self.set_root(entry.slot, 0);
    }

    fn set_root(&mut self, slot: usize, bits: u64) {
        // SAFETY: `root` is a table of this tree, and `self` is borrowed mutably.
        let root = unsafe { table(self.window, self.root) };
        let flags = Flags::from_bits_retain(bits & !ADDRESS_BITS);
        root[slot].set_addr(PhysAddr::new_truncate(bits & ADDRESS_BITS), flags);
    }
}
