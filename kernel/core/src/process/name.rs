//! Names of processes.

use core::fmt;

/// A process name: at most [`Name::MAX`] bytes of UTF-8, longer ones cut at a character.
///
/// Debuggers read the bytes, which end with NUL where the name is shorter.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Name {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Name {
    /// Longest name, in bytes.
    pub const MAX: usize = 31;

    /// `name`, cut where it is too long.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(Self::MAX);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        #[expect(clippy::cast_possible_truncation, reason = "end <= 31")]
        let len = end as u8;
        Self { bytes, len }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("?")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
