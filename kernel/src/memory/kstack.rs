//! Kernel stacks: 16 KiB each, an unmapped page below, from a region with a place for every task.
//!
//! ```text
//!  low │ guard │ 16 KiB of stack │ guard │ 16 KiB of stack │ ...    high
//!              ▲ bottom          ▲ top
//! ```
//!
//! The page tables of the region are made at boot, so that a new stack costs four frames and
//! nothing else. A [`KernelStack`] owns its place and its frames; whoever drops it runs on another.

use alloc::vec::Vec;
use core::ops::Range;
use core::{mem, ptr};

use orbital_arch::paging::{self, Mapping, OutOfTables, PAGE_SIZE, Slot};

use super::frames::{self, Priority};
use super::{BootError, kernel};
use crate::sync::{Lock, Order};

/// Bytes of a stack.
pub(crate) const STACK_SIZE: u64 = 4 * PAGE_SIZE;

/// Pages of a stack.
const PAGES: usize = (STACK_SIZE / PAGE_SIZE) as usize;

/// Bytes of a place: a guard page and a stack.
pub(crate) const PLACE_SIZE: u64 = PAGE_SIZE + STACK_SIZE;

/// A task takes at least this many frames, so there are never more tasks than this allows.
const FRAMES_PER_TASK: u64 = 12;
const FEWEST: u64 = 80;
const MOST: u64 = 16_384;

/// Distance of the marks that show how deep a stack has ever been.
const MARK_DISTANCE: usize = 512;

/// What a mark holds: no address, and no number anybody counts to.
const MARK: u64 = 0x57ac_c0de_57ac_c0de;

/// Most stacks that stay mapped for the next tasks. None in debug builds, where a stack that is
/// used after it was freed shall fault.
const MOST_SPARE: usize = if cfg!(debug_assertions) { 0 } else { 8 };

static PLACES: Lock<Places> = Lock::new(
    Order::Stacks,
    Places { fresh: 0, end: 0, free: Vec::new(), spare: [0; MOST_SPARE], spare_len: 0 },
);

struct Places {
    /// Places from this one to `end` were never used.
    fresh: u32,
    end: u32,
    /// Places that were given back. Holds all of them without growing.
    free: Vec<u32>,
    /// Places that were given back with a stack in them.
    spare: [u32; MOST_SPARE],
    spare_len: usize,
}

/// A kernel stack.
#[derive(Debug)]
pub(crate) struct KernelStack {
    place: u32,
}

/// Makes the region for a machine with that many frames; returns how many stacks it has.
pub(super) fn init(frames: u64) -> Result<usize, BootError> {
    let count = (frames / FRAMES_PER_TASK).clamp(FEWEST, MOST);
    let region = kernel::STACKS..kernel::STACKS + count * PLACE_SIZE;
    kernel::update(region, |_, slot| Ok(slot)).map_err(|OutOfTables| BootError::TooLittleMemory)?;
    let mut free = Vec::new();
    free.try_reserve_exact(count as usize).map_err(|_| BootError::TooLittleMemory)?;
    PLACES.with(|places| (places.end, places.free) = (count as u32, free));
    Ok(count as usize)
}

impl KernelStack {
    /// A stack with unspecified contents, if there is a place and the frames for one more.
    pub(crate) fn try_new(priority: Priority) -> Option<Self> {
        let spare = if frames::all_count() { None } else { PLACES.with(Places::take_spare) };
        let stack = match spare {
            Some(place) => {
                frames::note_used(PAGES as u64);
                Self { place }
            }
            None => Self::try_map(priority)?,
        };
        for mark in stack.marks() {
            // SAFETY: inside the stack, which is mapped and which nobody uses yet.
            unsafe { mark.write_volatile(MARK) };
        }
        Some(stack)
    }

    fn try_map(priority: Priority) -> Option<Self> {
        let stack = Self { place: PLACES.with(Places::take)? };
        let mapped = kernel::update(stack.pages(), |_, _| {
            let frame = frames::alloc(priority).ok_or(OutOfTables)?;
            Ok(Slot::Mapped(Mapping { frame, rights: kernel::DATA, owned: true }))
        });
        if mapped.is_err() {
            stack.unmap();
            // Not a stack that could be kept as a spare.
            mem::forget(stack);
            return None;
        }
        Some(stack)
    }

    /// Gives back the place and the frames, as far as there are any.
    fn unmap(&self) {
        let mut were = [Slot::Empty; PAGES];
        let mut places = were.iter_mut();
        let unmapped = kernel::update(self.pages(), |_, slot| {
            if let Some(was) = places.next() {
                *was = slot;
            }
            Ok(Slot::Empty)
        });
        assert!(unmapped.is_ok(), "the tables of all places exist");
        for (was, page) in were.iter().zip(self.pages().step_by(PAGE_SIZE as usize)) {
            if let Slot::Mapped(mapping) = was {
                paging::flush(page);
                frames::free(mapping.frame);
            }
        }
        PLACES.with(|places| places.free.push(self.place));
    }

    /// Its lowest address. The page below is never mapped.
    pub(crate) fn bottom(&self) -> u64 {
        kernel::STACKS + u64::from(self.place) * PLACE_SIZE + PAGE_SIZE
    }

    /// The first address above it: where the stack starts when it is empty.
    pub(crate) fn top(&self) -> u64 {
        self.bottom() + STACK_SIZE
    }

    /// The most bytes ever in use, exact to [`MARK_DISTANCE`]: up to the deepest mark that was
    /// overwritten.
    pub(crate) fn high_water(&self) -> u64 {
        let untouched = self.marks().take_while(|mark| {
            // SAFETY: inside the stack; whoever runs on it is suspended or is this very code,
            // which runs far above the marks that still are untouched.
            unsafe { mark.read_volatile() == MARK }
        });
        STACK_SIZE - (untouched.count() * MARK_DISTANCE) as u64
    }

    fn pages(&self) -> Range<u64> {
        self.bottom()..self.top()
    }

    /// The marks, lowest first.
    fn marks(&self) -> impl Iterator<Item = *mut u64> + use<> {
        (self.bottom()..self.top()).step_by(MARK_DISTANCE).map(pointer)
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        let local = 0_u8;
        let here = (&raw const local).addr() as u64;
        assert!(!self.pages().contains(&here), "a kernel stack is freed by the task on it");
        if PLACES.with(|places| places.put_spare(self.place)) {
            frames::note_kept(PAGES as u64);
        } else {
            self.unmap();
        }
    }
}

fn pointer<T>(address: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(address as usize)
}

impl Places {
    fn take(&mut self) -> Option<u32> {
        self.free.pop().or_else(|| {
            let place = self.fresh;
            self.fresh = place.checked_add(1).filter(|next| *next <= self.end)?;
            Some(place)
        })
    }

    /// Takes a place that has a stack.
    fn take_spare(&mut self) -> Option<u32> {
        self.spare_len = self.spare_len.checked_sub(1)?;
        self.spare.get(self.spare_len).copied()
    }

    /// Keeps a place with its stack, if there are not enough of them.
    fn put_spare(&mut self, place: u32) -> bool {
        match self.spare.get_mut(self.spare_len) {
            Some(spare) => {
                *spare = place;
                self.spare_len += 1;
                true
            }
            None => false,
        }
    }
}
