//! Which frames of physical memory are free: the bookkeeping, not the memory.
//!
//! [`Regions`] collects what the boot loader found usable; [`Frames`] hands frames out and takes
//! them back, each in constant time and without any work per frame at boot: fresh frames are
//! bumped from the regions, returned ones are kept on a stack and handed out first. A bit per
//! frame notices a frame that comes back twice or was never ours. The kernel's `memory::frames`
//! owns the only instance; what a frame *contains* is not known here.

mod failing;
mod regions;
#[cfg(test)]
mod tests;

pub use failing::FailIn;
pub use regions::{RegionError, Regions};

/// A frame of physical memory: its address divided by 4096.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Frame(pub u64);

impl Frame {
    /// Bytes in a frame.
    pub const SIZE: u64 = 4096;

    /// The frame that holds a physical address.
    #[must_use]
    pub const fn containing(address: u64) -> Self {
        Self(address / Self::SIZE)
    }

    /// Physical address of its first byte.
    #[must_use]
    pub const fn address(self) -> u64 {
        self.0.wrapping_mul(Self::SIZE)
    }
}

/// How far down an allocation may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Priority {
    /// Leaves the reserve alone.
    Normal,
    /// May use the reserve: what exit, kill and the first shell need.
    Reserved,
}

/// No frame is left for that priority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfFrames;

/// A frame that cannot be taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReleaseError {
    /// It lies in no region.
    NotOurs,
    /// It is free already, or was never handed out.
    NotAllocated,
}

/// Length of the two slices that [`Frames::new`] works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Storage {
    /// Entries of the stack of returned frames: one per frame.
    pub recycled: usize,
    /// Words of the bitmap: one bit per frame number from the lowest region to the highest.
    pub allocated: usize,
}

/// The frames of the machine: every one of them is fresh, allocated, or recycled.
#[derive(Debug)]
pub struct Frames<'a> {
    regions: Regions,
    /// Region and frame that the next fresh frame comes from.
    next_region: usize,
    next_fresh: u64,
    recycled: &'a mut [u32],
    recycled_len: usize,
    allocated: &'a mut [u64],
    free: u64,
    reserve: u64,
    fail_in: FailIn,
}

impl<'a> Frames<'a> {
    /// Frames of `regions`, all of them free, of which the last `reserve` are kept for
    /// [`Priority::Reserved`]. `allocated` must be all zero.
    ///
    /// # Errors
    /// Gives the lengths back if a slice is shorter than [`Regions::storage`] asks for.
    pub fn new(
        regions: Regions,
        reserve: u64,
        recycled: &'a mut [u32],
        allocated: &'a mut [u64],
    ) -> Result<Self, Storage> {
        let needed = regions.storage();
        if recycled.len() < needed.recycled || allocated.len() < needed.allocated {
            return Err(needed);
        }
        Ok(Self {
            free: regions.frames(),
            next_region: 0,
            next_fresh: regions.lowest(),
            regions,
            recycled,
            recycled_len: 0,
            allocated,
            reserve,
            fail_in: FailIn::NEVER,
        })
    }

    /// Takes a free frame; what it contains is whatever was there before.
    ///
    /// # Errors
    /// [`OutOfFrames`] if none is left for this priority.
    pub fn allocate(&mut self, priority: Priority) -> Result<Frame, OutOfFrames> {
        if self.available(priority) == 0 || self.fail_in.fails_now() {
            return Err(OutOfFrames);
        }
        let frame = self.pop_recycled().or_else(|| self.pop_fresh()).ok_or(OutOfFrames)?;
        self.set_allocated(frame, true);
        self.free -= 1;
        Ok(frame)
    }

    /// Takes a frame back.
    ///
    /// # Errors
    /// A frame that is not allocated is left alone: the caller's bookkeeping is wrong.
    pub fn release(&mut self, frame: Frame) -> Result<(), ReleaseError> {
        if !self.regions.contains(frame) {
            return Err(ReleaseError::NotOurs);
        }
        if !self.is_allocated(frame) {
            return Err(ReleaseError::NotAllocated);
        }
        let number = u32::try_from(frame.0).map_err(|_| ReleaseError::NotOurs)?;
        let top = self.recycled.get_mut(self.recycled_len).ok_or(ReleaseError::NotOurs)?;
        *top = number;
        self.recycled_len += 1;
        self.set_allocated(frame, false);
        self.free += 1;
        Ok(())
    }

    /// Frames in all regions.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.regions.frames()
    }

    /// Frames that are not allocated, the reserve among them.
    #[must_use]
    pub const fn free(&self) -> u64 {
        self.free
    }

    /// Frames that an allocation of this priority can still have.
    #[must_use]
    pub const fn available(&self, priority: Priority) -> u64 {
        match priority {
            Priority::Normal => self.free.saturating_sub(self.reserve),
            Priority::Reserved => self.free,
        }
    }

    /// Frames that are kept for [`Priority::Reserved`].
    #[must_use]
    pub const fn reserve(&self) -> u64 {
        self.reserve
    }

    /// Keeps that many frames for [`Priority::Reserved`] from now on.
    pub const fn set_reserve(&mut self, frames: u64) {
        self.reserve = frames;
    }

    /// Whether a frame is allocated.
    #[must_use]
    pub fn is_allocated(&self, frame: Frame) -> bool {
        let Some((word, bit)) = self.position(frame) else {
            return false;
        };
        self.allocated.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Fault injection: the `n`-th allocation from now fails, whoever makes it.
    pub const fn fail_nth(&mut self, n: u64) {
        self.fail_in.arm(n);
    }

    /// The frame that came back last: the likeliest to be in the cache.
    fn pop_recycled(&mut self) -> Option<Frame> {
        let top = self.recycled_len.checked_sub(1)?;
        let number = self.recycled.get(top)?;
        self.recycled_len = top;
        Some(Frame(u64::from(*number)))
    }

    /// The next frame that was never handed out.
    fn pop_fresh(&mut self) -> Option<Frame> {
        let mut region = self.regions.get(self.next_region)?;
        if self.next_fresh >= region.end {
            self.next_region += 1;
            region = self.regions.get(self.next_region)?;
            self.next_fresh = region.start;
        }
        let frame = Frame(self.next_fresh);
        self.next_fresh += 1;
        Some(frame)
    }

    fn set_allocated(&mut self, frame: Frame, value: bool) {
        let Some((word, bit)) = self.position(frame) else {
            return;
        };
        if let Some(bits) = self.allocated.get_mut(word) {
            *bits = if value { *bits | bit } else { *bits & !bit };
        }
    }

    /// Word and bit of a frame in the bitmap.
    fn position(&self, frame: Frame) -> Option<(usize, u64)> {
        let index = frame.0.checked_sub(self.regions.lowest())?;
        let word = usize::try_from(index / u64::from(u64::BITS)).ok()?;
        Some((word, 1 << (index % u64::from(u64::BITS))))
    }
}
