//! What one page-table entry means: a leaf's [`Slot`], a table's occupancy.

use x86_64::{
    PhysAddr,
    structures::paging::{PageTableFlags as Flags, PhysFrame, page_table::PageTableEntry},
};

/// A present leaf with this bit borrows its frame: whoever unmaps it must not free it.
const BORROWED: Flags = Flags::BIT_9;

/// An absent leaf with this bit is a promise of a zeroed page.
const DEMAND: Flags = Flags::BIT_10;

/// The same bit, for debuggers that read page tables from outside.
pub const PROMISED: u64 = DEMAND.bits();

/// What a page may be used for. Every mapped page can be read.
///
/// NX is always used: the loader that starts the kernel cannot run on a CPU without it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// It may be written.
    pub write: bool,
    /// Its bytes may be executed.
    pub execute: bool,
    /// Ring 3 may use it.
    pub user: bool,
}

/// A page that has a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// The memory behind the page.
    pub frame: PhysFrame,
    /// What the page may be used for.
    pub rights: Rights,
    /// The frame goes when the page goes; a borrowed frame belongs to somebody else.
    pub owned: bool,
}

/// What device registers may be used for.
const DEVICE_RIGHTS: Rights = Rights { write: true, execute: false, user: false };

/// What one page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Nothing is there.
    Empty,
    /// The first access gets a zeroed page with these rights.
    Demand(Rights),
    /// A frame is there.
    Mapped(Mapping),
    /// Device registers are there: uncached, for the kernel to read and write.
    Device(PhysFrame),
}

impl Slot {
    /// What a leaf entry says.
    #[inline]
    pub(super) fn of(entry: &PageTableEntry) -> Self {
        let flags = entry.flags();
        if flags.contains(Flags::PRESENT | Flags::NO_CACHE) {
            Self::Device(PhysFrame::containing_address(entry.addr()))
        } else if flags.contains(Flags::PRESENT) {
            Self::Mapped(Mapping {
                frame: PhysFrame::containing_address(entry.addr()),
                rights: Rights::of(flags),
                owned: !flags.contains(BORROWED),
            })
        } else if flags.contains(DEMAND) {
            Self::Demand(Rights::of(flags))
        } else {
            Self::Empty
        }
    }

    /// The 4 KiB piece at `address` of a large page, which no one owns.
    pub(super) fn of_large(entry: &PageTableEntry, address: u64, shift: u32) -> Self {
        let size = 1_u64 << shift;
        // Bit 12 of a large page's entry is its PAT bit (SDM vol. 3, table 4-17), not an address.
        let start = entry.addr().as_u64() & !(size - 1);
        Self::Mapped(Mapping {
            frame: PhysFrame::containing_address(PhysAddr::new(start | (address & (size - 1)))),
            rights: Rights::of(entry.flags()),
            owned: false,
        })
    }

    /// Writes this into a leaf entry.
    #[inline]
    pub(super) fn store(self, entry: &mut PageTableEntry) {
        match self {
            Self::Empty => entry.set_unused(),
            Self::Demand(rights) => {
                entry.set_addr(PhysAddr::zero(), DEMAND | rights.flags());
            }
            Self::Mapped(mapping) => {
                let mut flags = Flags::PRESENT | mapping.rights.flags();
                flags.set(BORROWED, !mapping.owned);
                entry.set_frame(mapping.frame, flags);
            }
            Self::Device(frame) => {
                let uncached = Flags::NO_CACHE | Flags::WRITE_THROUGH;
                entry.set_frame(frame, Flags::PRESENT | uncached | DEVICE_RIGHTS.flags());
            }
        }
    }
}

impl Rights {
    #[inline]
    fn of(flags: Flags) -> Self {
        Self {
            write: flags.contains(Flags::WRITABLE),
            execute: !flags.contains(Flags::NO_EXECUTE),
            user: flags.contains(Flags::USER_ACCESSIBLE),
        }
    }

    #[inline]
    fn flags(self) -> Flags {
        let mut flags = Flags::empty();
        flags.set(Flags::WRITABLE, self.write);
        flags.set(Flags::NO_EXECUTE, !self.execute);
        flags.set(Flags::USER_ACCESSIBLE, self.user);
        flags
    }
}
