//! A few frames kept at hand, so that the next one who needs one pays next to nothing.

use orbital_core::frames::Frame;

/// Most frames of one kind: what a dozen small processes leave behind for the next dozen.
const MOST: usize = 64;

/// Frames of one kind that nobody has, the last one in the first one out.
pub(super) struct Stock {
    frames: [Frame; MOST],
    len: usize,
}

impl Stock {
    /// Nothing in stock.
    pub(super) const EMPTY: Self = Self { frames: [Frame(0); MOST], len: 0 };

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Takes one out.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Frame> {
        let top = self.len.checked_sub(1)?;
        let frame = self.frames.get(top).copied()?;
        self.len = top;
        Some(frame)
    }

    /// Puts one in; gives it back if there is no room.
    #[inline]
    pub(super) fn put(&mut self, frame: Frame) -> Result<(), Frame> {
        let place = self.frames.get_mut(self.len).ok_or(frame)?;
        *place = frame;
        self.len += 1;
        Ok(())
    }
}
