//! The address space of a process: its half of the page tables, and every frame behind it.
//!
//! An [`AddressSpace`] owns what it maps, but for what it shares with the template it was made
//! from. Pages are there from the start (filled by the loader), or *on demand*: promised, and given zeroed at the first access. What fails leaves no trace but
//! tables that go with the space. Sharing one among tasks, and dropping it once, is the caller's
//! part; it is dropped while another address space is live.
//!
//! ```text
//!  USER_START .. image, thread-local block, first stack ..        (the load plan decides)
//!  MAP_BASE ..   anonymous memory, growing up
//!  USER_END      stacks of further tasks, growing down
//! ```

mod areas;
mod holdings;
mod initial;

pub(crate) use areas::StackRange;
pub(crate) use holdings::{Limits, SpaceError};

use core::ops::Range;

use orbital_abi::layout::{GUARD_SIZE, MAP_BASE, PAGE_SIZE, USER_END};
use orbital_arch::paging::{self, Mapping, PageTables, PhysFrame, Rights, Slot};

use super::frames;
use super::kernel;
use super::window::{self, WINDOW};
use holdings::{Holdings, Release};

/// What a page is to be used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Its bytes are read.
    Read,
    /// Its bytes are written.
    Write,
    /// Its bytes are executed.
    Execute,
}

/// The memory of one process.
#[derive(Debug)]
pub(crate) struct AddressSpace {
    tables: PageTables,
    holdings: Holdings,
    /// The stack of the first task. On demand, but without a mark in each slot: 256 of those
    /// would cost more than all else in the life of a small process.
    first_stack: StackRange,
    next_map: u64,
    next_stack: u64,
}

/// Rights of data.
const DATA: Rights = Rights { write: true, execute: false, user: true };

impl AddressSpace {
    /// An empty address space.
    ///
    /// # Errors
    /// [`SpaceError::OutOfMemory`].
    pub(crate) fn try_new(limits: Limits) -> Result<Self, SpaceError> {
        let root = frames::alloc_zeroed(limits.priority(0)).ok_or(SpaceError::OutOfMemory)?;
        // SAFETY: a zeroed frame of our own is an empty tree, and `WINDOW` shows all memory.
        let mut tables = unsafe { PageTables::new(root, WINDOW) };
        kernel::share_with(&mut tables);
        Ok(Self {
            tables,
            holdings: Holdings::new(limits),
            first_stack: StackRange { bottom: 0, top: 0 },
            next_map: MAP_BASE,
            next_stack: USER_END - GUARD_SIZE,
        })
    }

    /// An address space that starts as `template` is: what nobody can write is shared with it,
    /// what can be written is copied, what is promised is promised. The template outlives it.
    ///
    /// # Errors
    /// Nothing is left of it.
    pub(crate) fn try_like(template: &Self, limits: Limits) -> Result<Self, SpaceError> {
        let mut new = Self::try_new(limits)?;
        new.first_stack = template.first_stack;
        let like = |holdings: &mut Holdings, _, slot| match slot {
            Slot::Mapped(mapping) if mapping.rights.write => {
                let frame = holdings.take(frames::alloc)?;
                // SAFETY: the template has the frame, and nothing writes a template.
                let source = unsafe { window::bytes(mapping.frame) };
                // SAFETY: taken just now, and mapped nowhere yet.
                unsafe { window::bytes_mut(frame) }.copy_from_slice(source);
                Ok(Slot::Mapped(Mapping { frame, ..mapping }))
            }
            Slot::Mapped(mapping) => {
                holdings.share()?;
                Ok(Slot::Mapped(Mapping { owned: false, ..mapping }))
            }
            Slot::Empty | Slot::Demand(_) | Slot::Device(_) => Ok::<_, SpaceError>(slot),
        };
        new.tables.copy_lower_half(&template.tables, &mut new.holdings, like)?;
        Ok(new)
    }

    /// The physical address of the root table: CR3 while the space is live.
    #[must_use]
    pub(crate) fn root(&self) -> u64 {
        self.tables.root().start_address().as_u64()
    }

    /// Pages of user memory that are present.
    #[must_use]
    pub(crate) const fn pages(&self) -> u64 {
        self.holdings.pages()
    }

    /// Those of its pages that belong to a template.
    #[must_use]
    pub(crate) const fn shared_pages(&self) -> u64 {
        self.holdings.shared()
    }

    /// Page tables it takes.
    #[must_use]
    pub(crate) const fn tables(&self) -> u64 {
        self.holdings.tables()
    }

    /// Gives the page at `address` its memory, if that is promised for such an access. For page
    /// faults.
    ///
    /// # Errors
    /// [`SpaceError::NotAllowed`] if the program may not do what it tried.
    pub(crate) fn fault_in(&mut self, address: u64, access: Access) -> Result<(), SpaceError> {
        let page = address & !(PAGE_SIZE - 1);
        let rights = self.promised(page, self.tables.lookup(page));
        let rights = rights.filter(|rights| access.is_allowed_by(*rights));
        self.insert_zeroed(page, rights.ok_or(SpaceError::NotAllowed)?).map(drop)
    }

    /// The frame behind `page` for an access by ring 3, if it could make that. A promised page
    /// is given its memory.
    ///
    /// # Errors
    /// [`SpaceError::NotAllowed`] if the program could not.
    pub(super) fn frame_for(&mut self, page: u64, access: Access) -> Result<PhysFrame, SpaceError> {
        let slot = self.tables.lookup(page);
        if let Slot::Mapped(mapping) = slot {
            let allowed = access.is_allowed_by(mapping.rights);
            return allowed.then_some(mapping.frame).ok_or(SpaceError::NotAllowed);
        }
        let rights = self.promised(page, slot).filter(|rights| access.is_allowed_by(*rights));
        self.insert_zeroed(page, rights.ok_or(SpaceError::NotAllowed)?)
    }

    /// The rights of the page at `address`, where `slot` is, if it is promised and not there.
    fn promised(&self, address: u64, slot: Slot) -> Option<Rights> {
        match slot {
            Slot::Demand(rights) if address < USER_END => Some(rights),
            Slot::Empty if self.first_stack.contains(address) => Some(DATA),
            Slot::Demand(_) | Slot::Empty | Slot::Mapped(_) | Slot::Device(_) => None,
        }
    }

    /// Maps a zeroed page.
    fn insert_zeroed(&mut self, page: u64, rights: Rights) -> Result<PhysFrame, SpaceError> {
        let frame = self.holdings.take(frames::alloc_zeroed)?;
        self.insert(page, Mapping { frame, rights, owned: true })?;
        Ok(frame)
    }

    /// Maps a page that was counted. If it cannot, the frame is given back.
    fn insert(&mut self, page: u64, mapping: Mapping) -> Result<(), SpaceError> {
        let pages = page..page + PAGE_SIZE;
        let inserted = self.tables.update(pages, &mut self.holdings, |_, _, _| {
            Ok::<_, SpaceError>(Slot::Mapped(mapping))
        });
        if inserted.is_err() {
            self.holdings.release(Slot::Mapped(mapping));
        }
        inserted
    }

    /// Unmaps whatever is in `pages` and gives it back.
    fn clear(&mut self, pages: Range<u64>) {
        let live = self.tables.root() == paging::active_root();
        self.tables.clear(pages, &mut Release { holdings: &mut self.holdings, live });
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        kernel::unshare(&mut self.tables);
        self.clear(0..USER_END);
        frames::free_zeroed(self.tables.root());
    }
}

impl Access {
    /// Whether ring 3 may do this to a page with `rights`.
    fn is_allowed_by(self, rights: Rights) -> bool {
        rights.user
            && match self {
                Self::Read => true,
                Self::Write => rights.write,
                Self::Execute => rights.execute,
            }
    }
}
