//! The terminal's logic: line discipline, focus, and the order of output.
//!
//! [`Terminal`] is all of it: the kernel feeds it input bytes, what programs write, and the
//! kernel's own lines; it answers with the bytes for the screen (through [`Out`]) and with an
//! [`Event`] when a program must be woken. It never waits, knows no device, and allocates only when
//! it is made.
//!
//! | file | what is decided there |
//! |---|---|
//! | `keys` | bytes and escape sequences -> `Key` |
//! | `editor`, `echo`, `complete`, `history` | the line being typed, and its echo |
//! | `session` | the lines a program can read |
//! | `focus` | which session the keys go to |
//! | `filter` | what of a program's output may reach the screen |
//! | `stream`, `streams` | the lines that programs have begun and not ended |
//! | `terminal`, `screen_line` | whose text is on the last line of the screen, and what others may do to it |
//! | `grid` | the same bytes as a grid of characters, for a framebuffer |
//!
//! What must stay true: a line of the kernel or of another process is never torn; nothing is
//! dropped without being counted; every buffer is bounded.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod complete;
mod echo;
mod editor;
mod filter;
mod focus;
mod grid;
mod history;
mod keys;
mod ring;
mod screen_line;
mod session;
mod stream;
mod streams;
mod terminal;
#[cfg(test)]
mod tests;

use core::fmt;

pub use complete::Complete;
pub use editor::LINE_MAX;
pub use grid::{Cell, Colour, Grid, Style};
pub use keys::{FOCUS_BYTE, FOCUS_KEY, FUNCTION_KEYS};
pub use ring::ByteRing;
pub use session::Read;
pub use terminal::{Event, MAX_SESSIONS, NoSession, Terminal};

/// Where bytes for the screen go.
pub type Out<'a> = &'a mut dyn FnMut(&[u8]);

/// Text formatted into an [`Out`].
pub struct Formatted<'a>(pub Out<'a>);

impl fmt::Write for Formatted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}
