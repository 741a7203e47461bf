//! The usable regions of physical memory, before and after the allocator takes them over.

use super::{Frame, Storage};

/// Most regions that are kept once those that touch are joined; real machines have about ten.
const MAX_REGIONS: usize = 64;

/// Frames `start..end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Region {
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Disjoint regions of usable frames, lowest first.
#[derive(Clone, Debug)]
pub struct Regions {
    regions: [Region; MAX_REGIONS],
    len: usize,
    frames: u64,
}

/// Why a region was not added.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegionError {
    /// It overlaps one that was added before: the memory map contradicts itself.
    Overlap,
    /// There are 64 regions already.
    TooMany,
    /// It ends above 16 TiB, where a frame number does not fit 32 bits.
    TooHigh,
}

impl Regions {
    /// No memory at all.
    #[must_use]
    pub const fn new() -> Self {
        Self { regions: [Region { start: 0, end: 0 }; MAX_REGIONS], len: 0, frames: 0 }
    }

    /// Adds the whole frames between two physical addresses; in any order.
    ///
    /// # Errors
    /// The region is not added; the others stay.
    pub fn add(&mut self, start: u64, end: u64) -> Result<(), RegionError> {
        let region = Region { start: start.div_ceil(Frame::SIZE), end: end / Frame::SIZE };
        if region.start >= region.end {
            return Ok(());
        }
        if region.end > u64::from(u32::MAX) {
            return Err(RegionError::TooHigh);
        }
        let known = &self.regions[..self.len];
        if known.iter().any(|other| region.start < other.end && other.start < region.end) {
            return Err(RegionError::Overlap);
        }
        let place = known.partition_point(|other| other.start < region.start);
        let below = place.checked_sub(1).filter(|&below| known[below].end == region.start);
        let above = known.get(place).is_some_and(|above| above.start == region.end);
        // UEFI tells of memory in many pieces that touch; joined they are few.
        match (below, above) {
            (Some(below), true) => {
                self.regions[below].end = self.regions[place].end;
                self.regions.copy_within(place + 1..self.len, place);
                self.len -= 1;
            }
            (Some(below), false) => self.regions[below].end = region.end,
            (None, true) => self.regions[place].start = region.start,
            (None, false) => {
                if self.len == MAX_REGIONS {
                    return Err(RegionError::TooMany);
                }
                self.regions.copy_within(place..self.len, place + 1);
                self.regions[place] = region;
                self.len += 1;
            }
        }
        self.frames += region.end - region.start;
        Ok(())
    }

    /// Takes `count` contiguous frames for good: from the top of the highest region that has more
    /// than that, so that scarce low memory is left.
    pub fn carve(&mut self, count: u64) -> Option<Frame> {
        let known = &mut self.regions[..self.len];
        let region = known.iter_mut().rev().find(|region| region.end - region.start > count)?;
        region.end -= count;
        self.frames -= count;
        Some(Frame(region.end))
    }

    /// Frames in all regions.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// How long the slices for [`Frames::new`](super::Frames::new) must be.
    #[must_use]
    pub fn storage(&self) -> Storage {
        let highest = self.regions[..self.len].last().map_or(0, |region| region.end);
        let span = highest - self.lowest();
        let words = span.div_ceil(u64::from(u64::BITS));
        Storage {
            recycled: usize::try_from(self.frames).unwrap_or(usize::MAX),
            allocated: usize::try_from(words).unwrap_or(usize::MAX),
        }
    }

    /// Number of the lowest frame; 0 if there is none.
    pub(super) fn lowest(&self) -> u64 {
        self.get(0).map_or(0, |region| region.start)
    }

    pub(super) fn get(&self, index: usize) -> Option<Region> {
        self.regions[..self.len].get(index).copied()
    }

    pub(super) fn contains(&self, frame: Frame) -> bool {
        let known = &self.regions[..self.len];
        known.iter().any(|region| region.start <= frame.0 && frame.0 < region.end)
    }
}

impl Default for Regions {
    fn default() -> Self {
        Self::new()
    }
}
