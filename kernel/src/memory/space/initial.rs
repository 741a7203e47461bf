//! What an address space holds before its program runs: for the loader.

use core::ops::Range;

use orbital_abi::layout::PAGE_SIZE;
use orbital_arch::paging::{Mapping, PhysFrame, Rights, Slot};
use orbital_core::range::UserRange;

use super::{AddressSpace, SpaceError, StackRange};
use crate::memory::frames;
use crate::memory::window::{self, FrameBytes};

impl AddressSpace {
    /// Maps one page and lets `fill` write what it holds: a frame with unspecified contents.
    ///
    /// # Errors
    /// The page stays as it was.
    pub(crate) fn map_page(
        &mut self,
        page: u64,
        rights: Rights,
        fill: impl FnOnce(&mut FrameBytes),
    ) -> Result<(), SpaceError> {
        let frame = self.holdings.take(frames::alloc)?;
        // SAFETY: taken just now, and mapped nowhere yet.
        fill(unsafe { window::bytes_mut(frame) });
        self.insert(page, Mapping { frame, rights, owned: true })
    }

    /// Promises zeroed pages where nothing is.
    ///
    /// # Errors
    /// Some of the pages may be promised; that costs nothing but tables.
    pub(crate) fn map_demand(
        &mut self,
        pages: Range<u64>,
        rights: Rights,
    ) -> Result<(), SpaceError> {
        self.tables.update(pages, &mut self.holdings, |_, _, slot| {
            Ok(if slot == Slot::Empty { Slot::Demand(rights) } else { slot })
        })
    }

    /// Says where the stack of the first task is; its pages are promised.
    pub(crate) fn set_first_stack(&mut self, stack: StackRange) {
        self.first_stack = stack;
    }

    /// Writes `bytes` to `range`, which is as long, whatever the program may itself do there.
    ///
    /// # Errors
    /// [`SpaceError::BadRange`] if a page is neither the space's own nor promised. What lies
    /// before that page is written.
    pub(crate) fn write_initial(
        &mut self,
        range: UserRange,
        bytes: &[u8],
    ) -> Result<(), SpaceError> {
        let mut rest = bytes;
        for piece in range.pieces() {
            let frame = self.own_frame(piece.page)?;
            // SAFETY: the space owns the frame and is borrowed, and no task of it runs now.
            let page = unsafe { window::bytes_mut(frame) };
            let (part, others) = rest.split_at(rest.len().min(piece.len as usize));
            page[piece.offset as usize..][..part.len()].copy_from_slice(part);
            rest = others;
        }
        Ok(())
    }

    /// Writes one word after another from `start` on, a multiple of their size. Otherwise as
    /// [`write_initial`](Self::write_initial).
    ///
    /// # Errors
    /// As `write_initial`; so does each word.
    pub(crate) fn words_from(&mut self, start: u64) -> Result<WordWriter<'_>, SpaceError> {
        let frame = self.own_frame(start & !(PAGE_SIZE - 1))?;
        Ok(WordWriter { space: self, frame, next: start })
    }

    /// The frame of a page that is the space's own, or promised, to be filled.
    fn own_frame(&mut self, page: u64) -> Result<PhysFrame, SpaceError> {
        match self.tables.lookup(page) {
            Slot::Mapped(mapping) if mapping.owned => Ok(mapping.frame),
            slot => {
                let rights = self.promised(page, slot).ok_or(SpaceError::BadRange)?;
                self.insert_zeroed(page, rights)
            }
        }
    }
}

/// Writes words upwards; see [`AddressSpace::words_from`].
#[derive(Debug)]
pub(crate) struct WordWriter<'a> {
    space: &'a mut AddressSpace,
    /// The memory of the page that the next word goes to, unless it starts another.
    frame: PhysFrame,
    next: u64,
}

impl WordWriter<'_> {
    /// Writes the next word.
    ///
    /// # Errors
    /// As [`AddressSpace::write_initial`].
    pub(crate) fn push(&mut self, word: u64) -> Result<(), SpaceError> {
        const WORD: usize = size_of::<u64>();
        let offset = (self.next % PAGE_SIZE) as usize;
        if offset == 0 {
            self.frame = self.space.own_frame(self.next)?;
        }
        // SAFETY: the space owns the frame and is borrowed, and no task of it runs now.
        let page = unsafe { window::bytes_mut(self.frame) };
        page.as_chunks_mut().0[offset / WORD] = word.to_le_bytes();
        self.next += WORD as u64;
        Ok(())
    }
}
