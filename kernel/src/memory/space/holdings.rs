//! What an address space has and may have: frames on their way in and out, counted.

use core::fmt;

use orbital_abi::Errno;
use orbital_arch::paging::{self, OutOfTables, PhysFrame, Reclaim, Slot, TableSource};

use crate::memory::frames::{self, Priority};

/// How much a process may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Pages of memory, page tables included.
    pub(crate) pages: u64,
    /// So many of them may come from the reserve.
    pub(crate) reserved: u64,
}

impl Limits {
    /// How far down the next frame may be taken from, for who has so many.
    pub(crate) const fn priority(self, taken: u64) -> Priority {
        if taken < self.reserved { Priority::Reserved } else { Priority::Normal }
    }
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
    /// The program may not make that access.
    NotAllowed,
}

impl fmt::Display for SpaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfMemory => "out of memory",
            Self::OverLimit => "over its memory limit",
            Self::BadRange => "bad address range",
            Self::NotAllowed => "access not allowed",
        })
    }
}

impl From<SpaceError> for Errno {
    fn from(error: SpaceError) -> Self {
        match error {
            SpaceError::OutOfMemory | SpaceError::OverLimit => Self::Error,
            SpaceError::BadRange => Self::Invalid,
            SpaceError::NotAllowed => Self::Fault,
        }
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
    /// Those of the pages that belong to a template.
    shared: u64,
    tables: u64,
}

impl Holdings {
    /// Of a space that has its root table.
    pub(super) const fn new(limits: Limits) -> Self {
        Self { limits, pages: 0, shared: 0, tables: 1 }
    }

    /// Pages that are present.
    pub(super) const fn pages(&self) -> u64 {
        self.pages
    }

    /// Pages that belong to a template.
    pub(super) const fn shared(&self) -> u64 {
        self.shared
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
        let frame = alloc(self.priority()).ok_or(SpaceError::OutOfMemory)?;
        self.pages += 1;
        Ok(frame)
    }

    const fn priority(&self) -> Priority {
        self.limits.priority(self.pages + self.tables)
    }

    /// Counts a page that belongs to a template.
    pub(super) fn share(&mut self) -> Result<(), SpaceError> {
        self.check(1)?;
        self.pages += 1;
        self.shared += 1;
        Ok(())
    }

    /// Whether there may be that many more pages.
    pub(super) fn check(&self, more: u64) -> Result<(), SpaceError> {
        let left = self.limits.pages.saturating_sub(self.pages + self.tables);
        if more <= left { Ok(()) } else { Err(SpaceError::OverLimit) }
    }

    /// Gives back what was in a slot that nothing refers to any more.
    pub(super) fn release(&mut self, slot: Slot) {
        if let Slot::Mapped(mapping) = slot {
            self.pages -= 1;
            if mapping.owned {
                frames::free(mapping.frame);
            } else {
                self.shared -= 1;
            }
        }
    }
}

impl TableSource for Holdings {
    fn table(&mut self) -> Option<PhysFrame> {
        let frame = frames::alloc_zeroed(self.priority())?;
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
