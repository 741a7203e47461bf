//! The lines typed before, oldest first, in a fixed number of bytes.

/// Bytes of history that a session keeps.
const CAPACITY: usize = 1024;

/// Lines, each followed by a line feed.
#[derive(Debug)]
pub(super) struct History {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl History {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; CAPACITY], len: 0 }
    }

    /// Remembers a line, unless it is empty or the same as the last; the oldest make room.
    pub(super) fn push(&mut self, line: &[u8]) {
        let needed = line.len().saturating_add(1);
        if line.is_empty() || needed > CAPACITY || self.recall(1) == Some(line) {
            return;
        }
        while CAPACITY.saturating_sub(self.len) < needed {
            self.forget_oldest();
        }
        let rest = self.bytes.get_mut(self.len..).unwrap_or_default();
        if let Some((place, after)) = rest.split_at_mut_checked(line.len()) {
            place.copy_from_slice(line);
            if let Some(end) = after.first_mut() {
                *end = b'\n';
            }
            self.len = self.len.saturating_add(needed);
        }
    }

    /// The `back`-th line from the end: 1 is the last one typed.
    pub(super) fn recall(&self, back: usize) -> Option<&[u8]> {
        let lines = self.bytes.get(..self.len)?.strip_suffix(b"\n")?;
        lines.rsplit(|byte| *byte == b'\n').nth(back.checked_sub(1)?)
    }

    fn forget_oldest(&mut self) {
        let known = self.bytes.get(..self.len).unwrap_or_default();
        let first = known.iter().position(|byte| *byte == b'\n');
        let cut = first.map_or(self.len, |at| at.saturating_add(1));
        self.bytes.copy_within(cut..self.len, 0);
        self.len = self.len.saturating_sub(cut);
    }
}
