//! Where in a table something may be, so that nobody searches 512 entries for one.

use core::iter;

use x86_64::structures::paging::{PageTableFlags as Flags, page_table::PageTableEntry};

use super::{Table, raw};

/// Where something may be in a table: nowhere, in one entry, or in some of its eighths.
///
/// Ten bits: 0 to 8 are the index of the one entry if bit 9 is set. Else bits 0 to 7 stand for the
/// groups of 64 entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Occupancy(u64);

/// The lowest of the bits that hold it. Bits 52 to 62 of an entry that refers to a table are
/// ignored by the CPU (SDM vol. 3, tables 4-15 to 4-18).
const SHIFT: u32 = 52;

const MASK: u64 = (1 << 10) - 1;

/// Only one entry may be used.
const ONE: u64 = 1 << 9;

/// Entries of a group.
const GROUP: usize = 64;

/// Entries that are looked at together.
const RUN: usize = 8;

impl Occupancy {
    /// Nothing is in the table.
    pub(super) const EMPTY: Self = Self(0);

    /// Something may be in one entry.
    #[inline]
    pub(super) const fn of_index(index: usize) -> Self {
        Self(ONE | index as u64)
    }

    /// Something may be in the entries `first` to `last`.
    #[inline]
    pub(super) const fn of_indices(first: usize, last: usize) -> Self {
        if first == last {
            return Self::of_index(first);
        }
        let up_to_last = (2 << (last / GROUP)) - 1;
        let below_first = (1 << (first / GROUP)) - 1;
        Self(up_to_last & !below_first)
    }

    /// What the entry that refers to a table says about it.
    #[inline]
    pub(super) fn of(entry: &PageTableEntry) -> Self {
        Self(entry.flags().bits() >> SHIFT & MASK)
    }

    /// Writes this into the entry that refers to the table.
    #[inline]
    pub(super) fn store(self, entry: &mut PageTableEntry) {
        let others = entry.flags().bits() & !(MASK << SHIFT);
        entry.set_flags(Flags::from_bits_retain(others | self.0 << SHIFT));
    }

    /// Adds `more` to what the entry that refers to a table says.
    #[inline]
    pub(super) fn add_to(entry: &mut PageTableEntry, more: Self) {
        let before = Self::of(entry);
        let after = before.with(more);
        if after != before {
            after.store(entry);
        }
    }

    /// Both together.
    #[inline]
    pub(super) const fn with(self, other: Self) -> Self {
        if self.0 == other.0 || other.0 == 0 {
            return self;
        }
        if self.0 == 0 { other } else { Self(self.group_bits() | other.group_bits()) }
    }

    /// The groups that may hold something, by number.
    #[inline]
    pub(super) fn groups(self) -> impl Iterator<Item = usize> {
        bits(self.group_bits())
    }

    /// The entries of one of the [`groups`](Self::groups) that are used, by index in `table`.
    #[inline]
    pub(super) fn used(self, table: &Table, group: usize) -> impl Iterator<Item = usize> + use<> {
        let start = group * GROUP;
        let used = if self.0 & ONE == 0 {
            used_bits(&table[start..start + GROUP])
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "usize has 64 bits here")]
            let index = (self.0 & !ONE) as usize;
            u64::from(!table[index].is_unused()) << (index % GROUP)
        };
        bits(used).map(move |place| start + place)
    }

    #[inline]
    const fn group_bits(self) -> u64 {
        if self.0 & ONE == 0 { self.0 } else { 1 << ((self.0 & !ONE) / GROUP as u64) }
    }
}

/// A bit for each entry of a group that is used.
#[inline]
fn used_bits(group: &[PageTableEntry]) -> u64 {
    // Most of a table is empty, so first: which runs are not? One load and one `or` an entry.
    let (runs, _) = group.as_chunks::<RUN>();
    let used_runs = runs.iter().rev().fold(0, |used, run| {
        let together = run.iter().fold(0, |bits, entry| bits | raw(entry));
        used << 1 | u64::from(together != 0)
    });
    bits(used_runs).fold(0, |used, run| {
        let places =
            runs[run].iter().rev().fold(0, |used, entry| used << 1 | u64::from(!entry.is_unused()));
        used | places << (run * RUN)
    })
}

/// The numbers of the bits that are set, lowest first.
#[inline]
fn bits(mut left: u64) -> impl Iterator<Item = usize> {
    iter::from_fn(move || {
        let bit = left.trailing_zeros();
        left &= left.wrapping_sub(1);
        (bit < u64::BITS).then_some(bit as usize)
    })
}
