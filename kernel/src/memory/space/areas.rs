//! Memory that a running program asks for: anonymous pages, stacks of further tasks.

use orbital_abi::layout::{GUARD_SIZE, MAP_BASE, PAGE_SIZE};
use orbital_arch::paging::{Mapping, Rights, Slot};

use super::{AddressSpace, DATA, SpaceError};
use crate::memory::frames;

/// The stack of one task, page-aligned, with a guard page below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StackRange {
    /// Its lowest address.
    pub(crate) bottom: u64,
    /// The first address above it.
    pub(crate) top: u64,
}

impl AddressSpace {
    /// Maps `len` bytes of zeroed memory, rounded up to pages, and says where.
    ///
    /// # Errors
    /// [`SpaceError::BadRange`] for a length of 0. Nothing is mapped after an error.
    pub(crate) fn map_anonymous(&mut self, len: u64, rights: Rights) -> Result<u64, SpaceError> {
        let pages = len.div_ceil(PAGE_SIZE);
        if pages == 0 {
            return Err(SpaceError::BadRange);
        }
        // Also keeps the sums below far from overflow.
        self.holdings.check(pages)?;
        let start = self.next_map;
        let end = start + pages * PAGE_SIZE;
        if end + GUARD_SIZE > self.next_stack {
            return Err(SpaceError::OutOfMemory);
        }
        let mapped = self.tables.update(start..end, &mut self.holdings, |holdings, _, _| {
            let frame = holdings.take(frames::alloc_zeroed)?;
            Ok(Slot::Mapped(Mapping { frame, rights, owned: true }))
        });
        if let Err(error) = mapped {
            self.clear(start..end);
            return Err(error);
        }
        self.next_map = end + GUARD_SIZE;
        Ok(start)
    }

    /// Unmaps pages that [`map_anonymous`](Self::map_anonymous) mapped.
    ///
    /// # Errors
    /// [`SpaceError::BadRange`] unless all of them are such pages; nothing is unmapped then.
    pub(crate) fn unmap(&mut self, start: u64, len: u64) -> Result<(), SpaceError> {
        let end = len.checked_next_multiple_of(PAGE_SIZE).and_then(|len| start.checked_add(len));
        let end = end.ok_or(SpaceError::BadRange)?;
        let anonymous = MAP_BASE..=self.next_map;
        if !start.is_multiple_of(PAGE_SIZE)
            || start >= end
            || !anonymous.contains(&start)
            || !anonymous.contains(&end)
        {
            return Err(SpaceError::BadRange);
        }
        let mut pages = (start..end).step_by(PAGE_SIZE as usize);
        if pages.any(|page| self.tables.lookup(page) == Slot::Empty) {
            return Err(SpaceError::BadRange);
        }
        self.clear(start..end);
        if end + GUARD_SIZE == self.next_map {
            self.next_map = start;
        }
        Ok(())
    }

    /// Promises a stack of `size` bytes for a further task.
    ///
    /// # Errors
    /// Nothing is promised.
    pub(crate) fn map_stack(&mut self, size: u64) -> Result<StackRange, SpaceError> {
        let top = self.next_stack;
        let bottom = top
            .checked_sub(size.next_multiple_of(PAGE_SIZE))
            .filter(|bottom| *bottom > self.next_map + GUARD_SIZE)
            .ok_or(SpaceError::OutOfMemory)?;
        if let Err(error) = self.map_demand(bottom..top, DATA) {
            self.clear(bottom..top);
            return Err(error);
        }
        self.next_stack = bottom - GUARD_SIZE;
        Ok(StackRange { bottom, top })
    }

    /// Unmaps a stack that [`map_stack`](Self::map_stack) gave out, when its task has ended.
    pub(crate) fn unmap_stack(&mut self, stack: StackRange) {
        self.clear(stack.bottom..stack.top);
        if stack.bottom - GUARD_SIZE == self.next_stack {
            self.next_stack = stack.top;
        }
    }
}

impl StackRange {
    /// Whether `address` lies in it.
    pub(super) fn contains(self, address: u64) -> bool {
        (self.bottom..self.top).contains(&address)
    }
}
