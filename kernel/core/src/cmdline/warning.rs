//! What the command line says in vain, in the words of one log line.

use core::fmt;

use super::Shown;

/// A part of the command line that is ignored.
pub enum Warning<'a> {
    /// No key has this name.
    UnknownKey(&'a str),
    /// The key does not take this value.
    BadValue {
        /// Its name.
        key: &'a str,
        /// The value.
        value: &'a str,
        /// The value that stays in force.
        keeping: Shown<'a>,
    },
    /// A word without `=`.
    NotAPair(&'a str),
    /// The closing quote of this key's value is missing.
    Unclosed(&'a str),
    /// The line has more bytes than [`MAX_LEN`](super::MAX_LEN).
    TooLong,
    /// The line is not UTF-8 from some byte on.
    NotText,
}

impl fmt::Display for Warning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey(key) => write!(f, "unknown key {}", Quoted(key)),
            Self::BadValue { key, value, keeping } => {
                write!(f, "bad value for {key}: {}, keeping {keeping}", Quoted(value))
            }
            Self::NotAPair(word) => write!(f, "not KEY=VALUE: {}", Quoted(word)),
            Self::Unclosed(key) => write!(f, "no closing quote after {}", Quoted(key)),
            Self::TooLong => {
                write!(f, "longer than {} bytes, the rest is ignored", super::MAX_LEN)
            }
            Self::NotText => f.write_str("not UTF-8, the rest is ignored"),
        }
    }
}

/// Text as the person wrote it, in quotes, cut so that a warning stays one readable line.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 48;
        f.write_str("\"")?;
        for character in self.0.chars().take(SHOWN) {
            write!(f, "{}", character.escape_debug())?;
        }
        f.write_str(if self.0.chars().nth(SHOWN).is_some() { "...\"" } else { "\"" })
    }
}
