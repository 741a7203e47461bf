//! What every command needs: the words of its line, and what can be wrong with them.

use core::fmt::{self, Write as _};

use ulib::Errno;
use ulib::abi::layout::NANOS_PER_SEC;
use ulib::text::Text;

/// Why a command did not do what was asked.
pub(crate) enum Problem {
    /// Its arguments are not those it takes.
    Usage,
    /// It is neither a command nor a program.
    Unknown,
    /// There is no program of the name that follows the command.
    NoProgram,
    /// The kernel refused the call.
    Call(Errno),
}

impl From<Errno> for Problem {
    fn from(errno: Errno) -> Self {
        Self::Call(errno)
    }
}

/// The first word of a line, and what follows it.
pub(crate) fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim_ascii_start();
    match line.split_once(|c: char| c.is_ascii_whitespace()) {
        Some((word, rest)) => (word, rest.trim_ascii()),
        None => (line, ""),
    }
}

/// The one number that a command takes.
pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::Usage)
}

/// Nanoseconds, shown as seconds to the microsecond.
pub(crate) struct Seconds(pub(crate) u64);

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0 % NANOS_PER_SEC / 1000;
        let mut text = Text::<32>::new();
        write!(text, "{}.{micros:06}", self.0 / NANOS_PER_SEC)?;
        out.pad(text.as_str())
    }
}
