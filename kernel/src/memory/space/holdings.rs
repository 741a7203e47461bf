//! What an address space has and may have: frames on their way in and out, counted.

use core::fmt;

use orbital_arch::paging::{self, OutOfTables, PhysFrame, Reclaim, Slot, TableSource};

use crate::memory::frames::{self, Priority};

/// How much a process may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Pages of memory, tables not counted.
    pub(crate) pages: u64,
    /// Whether it may use what is kept for those who must always succeed.
    pub(crate) priority: Priority,
}

/// Why memory was not mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SpaceError {
    /// No frame is left.
    OutOfMemory,
    /// The process has all that its [`Limits`] allow.
    OverLimit,
    /// No such range can be mapped, or what is there was not mapped that way.
    BadRange,
}

impl fmt::Display for SpaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "out of memory",
            Self::OverLimit => "over its memory limit",
            Self::BadRange => "bad address range",
        })
    }
}

impl From<OutOfTables> for SpaceError {
    fn from(OutOfTables: OutOfTables) -> Self {
        Self::OutOfMemory
    }
}

/// What a space has, and may have.
#[derive(Debug)]
pub(super) struct Holdings {
    limits: Limits,
    pages: u64,
    tables: u64,
}

impl Holdings {
    /// Of a space that has its root table.
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, pages: 0, tables: 1 }
    }

    /// Pages that are present.
    pub(super) const fn pages(&self) -> u64 {
        self.pages
    }

    /// Tables, the root among them.
    pub(super) const fn tables(&self) -> u64 {
        self.tables
    }

    /// Takes a frame for a page, and counts it.
    pub(super) fn take(
        &mut self,
        alloc: impl FnOnce(Priority) -> Option<PhysFrame>,
    ) -> Result<PhysFrame, SpaceError> {
        self.check(1)?;
        let frame = alloc(self.limits.priority).ok_or(SpaceError::OutOfMemory)?;
        self.pages += 1;
        Ok(frame)
    }

    /// Whether there may be that many more pages.
    pub(super) fn check(&self, more: u64) -> Result<(), SpaceError> {
        let left = self.limits.pages.saturating_sub(self.pages);
        if more <= left { Ok(()) } else { Err(SpaceError::OverLimit) }
    }

    /// Gives back what was in a slot that nothing refers to any more.
    pub(super) fn release(&mut self, slot: Slot) {
        if let Slot::Mapped(mapping) = slot {
            self.pages -= 1;
            if mapping.owned {
                frames::free(mapping.frame);
            }
        }
    }
}

impl TableSource for Holdings {
    fn table(&mut self) -> Option<PhysFrame> {
        let frame = frames::alloc_zeroed(self.limits.priority)?;
        self.tables += 1;
        Some(frame)
    }
}

/// Takes back what a space no longer has.
pub(super) struct Release<'a> {
    pub(super) holdings: &'a mut Holdings,
    /// The CPU may have cached what was mapped.
    pub(super) live: bool,
}

impl Reclaim for Release<'_> {
    fn page(&mut self, address: u64, slot: Slot) {
        if self.live {
            paging::flush(address);
        }
        self.holdings.release(slot);
    }

    fn table(&mut self, address: u64, frame: PhysFrame) {
        if self.live {
            paging::flush(address);
        }
        self.holdings.tables -= 1;
        frames::free_zeroed(frame);
    }
}
