//! Short texts that live on the stack and are cut where they would grow too long.

use core::fmt;

/// At most `N` bytes of text.
pub(crate) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    /// No text.
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// `text`, cut if need be, and a line end.
    pub(crate) fn line(text: fmt::Arguments<'_>) -> Self {
        let mut line = Self::new();
        let _ = fmt::Write::write_fmt(&mut line, text);
        line.len = line.len.min(N - 1);
        line.append(b"\n");
        line
    }

    /// The text as bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The text up to where it was cut inside a character.
    pub(crate) fn as_str(&self) -> &str {
        self.as_bytes().utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }

    /// Appends what fits; whether that was all.
    fn append(&mut self, bytes: &[u8]) -> bool {
        let taken = bytes.len().min(N - self.len);
        self.bytes[self.len..self.len + taken].copy_from_slice(&bytes[..taken]);
        self.len += taken;
        taken == bytes.len()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.append(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The arguments of a program: NUL-terminated strings, one behind the other.
pub(crate) struct ArgumentBlock(Text<1024>);

impl ArgumentBlock {
    /// No arguments.
    pub(crate) const fn new() -> Self {
        Self(Text::new())
    }

    /// Appends one; `false` and nothing appended if it does not fit.
    #[must_use]
    pub(crate) fn push(&mut self, argument: &str) -> bool {
        let fits = argument.len() < 1024 - self.0.len;
        fits && self.0.append(argument.as_bytes()) && self.0.append(b"\0")
    }

    /// The block.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
