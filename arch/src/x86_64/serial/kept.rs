//! Bytes that arrived while the port was set up: they are nobody's yet, and not to be lost.

/// More than can arrive: one byte before the FIFO is on, and what is read of it five times.
const ROOM: usize = 96;

/// A few bytes, the first one in the first one out.
#[derive(Debug)]
pub(super) struct Kept {
    bytes: [u8; ROOM],
    first: usize,
    end: usize,
}

impl Kept {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; ROOM], first: 0, end: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// Adds a byte, if there is room.
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.end) {
            *place = byte;
            self.end += 1;
        }
    }

    /// Takes the oldest byte.
    pub(super) fn pop(&mut self) -> Option<u8> {
        if self.is_empty() {
            return None;
        }
        self.first += 1;
        self.bytes.get(self.first - 1).copied()
    }
}
