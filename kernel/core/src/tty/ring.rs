//! A bounded queue of bytes.

/// At most `N` bytes, first in, first out.
#[derive(Debug)]
pub struct ByteRing<const N: usize> {
    bytes: [u8; N],
    start: usize,
    len: usize,
}

impl<const N: usize> ByteRing<N> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: [0; N], start: 0, len: 0 }
    }

    /// Bytes in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Bytes that still fit.
    #[must_use]
    pub const fn free(&self) -> usize {
        N.saturating_sub(self.len)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a byte, if it fits.
    #[must_use]
    pub fn push(&mut self, byte: u8) -> bool {
        let end = Self::wrap(self.start.saturating_add(self.len));
        match self.bytes.get_mut(end) {
            Some(place) if self.len < N => {
                *place = byte;
                self.len = self.len.saturating_add(1);
                true
            }
            _ => false,
        }
    }

    /// Appends as many of `bytes` as fit; how many.
    pub fn extend(&mut self, bytes: &[u8]) -> usize {
        bytes.iter().take_while(|byte| self.push(**byte)).count()
    }

    /// Takes the oldest byte.
    pub fn pop(&mut self) -> Option<u8> {
        let byte = *self.front().first()?;
        self.consume(1);
        Some(byte)
    }

    /// The oldest bytes, as far as they lie in one piece; empty only if the ring is.
    #[must_use]
    pub fn front(&self) -> &[u8] {
        let end = self.start.saturating_add(self.len).min(N);
        self.bytes.get(self.start..end).unwrap_or_default()
    }

    /// Removes the oldest `count` bytes.
    pub const fn consume(&mut self, count: usize) {
        let count = if count < self.len { count } else { self.len };
        self.start = Self::wrap(self.start.saturating_add(count));
        self.len = self.len.saturating_sub(count);
    }

    /// Removes everything.
    pub const fn clear(&mut self) {
        self.consume(self.len);
    }

    /// `index`, below `2 * N`, as a place in `bytes`.
    const fn wrap(index: usize) -> usize {
        if index >= N { index.saturating_sub(N) } else { index }
    }
}

impl<const N: usize> Default for ByteRing<N> {
    fn default() -> Self {
        Self::new()
    }
}
