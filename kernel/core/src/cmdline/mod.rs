//! The kernel command line: `KEY=VALUE` separated by white space.
//!
//! [`CommandLine::parse`] reads the text of the ramdisk's `cmdline` file. A value that contains
//! white space stands in double quotes: `run="prog args; prog2 args"`. What is unknown or wrong is
//! reported, one [`Warning`] each, and leaves the default; nothing here can fail. A key that
//! stands twice means its last value. A new key is one row in `keys` and a
//! field.
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

mod keys;
mod programs;
#[cfg(test)]
mod tests;
mod tokens;
mod warning;

use core::fmt;

use orbital_abi::sched::QUANTUM_DEFAULT;

use keys::{KEYS, Key};
use tokens::{Token, Tokens};

pub use programs::{Program, Programs};
pub use warning::Warning;

/// Bytes of the command line that are read; a longer one is cut, with a warning.
pub const MAX_LEN: usize = 4096;

/// Which allocations of frames fail, to see what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fail {
    /// This one, counted from the first spawn; 0 for none.
    Nth(u64),
    /// Those that programs choose with the call `fail`.
    Calls,
}

/// What the command line asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandLine<'a> {
    /// Shells to start, 0 to 64.
    pub shells: u64,
    /// Programs to start in place of the shells; empty means the shells.
    pub run: Programs<'a>,
    /// Leave the machine when all of them have ended.
    pub poweroff: bool,
    /// The scheduling policy at boot.
    pub sched: &'a str,
    /// The longest slice of a preemptive policy, in nanoseconds.
    pub quantum: u64,
    /// Where the policy `seeded` starts.
    pub seed: u64,
    /// How many switches the trace keeps; 0 for none.
    pub trace: u64,
    /// Keep starts and ends of processes out of the log.
    pub quiet: bool,
    /// Frames that a process may have: pages of memory and page tables.
    pub limit_pages: u64,
    /// Children that a process may have, those that have ended but were not waited for included.
    pub limit_children: u64,
    /// Which allocations of frames fail.
    pub fail: Fail,
    /// Panic once everything runs, to see what a panic looks like.
    pub panic: bool,
}

impl<'a> CommandLine<'a> {
    /// What holds when the command line is empty.
    pub const DEFAULT: Self = Self {
        shells: 3,
        run: Programs::NONE,
        poweroff: false,
        sched: "cooperative",
        quantum: QUANTUM_DEFAULT,
        seed: 0,
        trace: 4096,
        quiet: false,
        limit_pages: 16 << 10,
        limit_children: 4096,
        fail: Fail::Nth(0),
        panic: false,
    };

    /// Reads a command line; `warn` is called for each part that is ignored.
    pub fn parse(bytes: &'a [u8], warn: &mut dyn FnMut(Warning<'_>)) -> Self {
        let mut line = Self::DEFAULT;
        for token in Tokens::new(readable(bytes, warn)) {
            match token {
                Token::Pair { key, value } => line.set(key, value, warn),
                Token::Word(word) => warn(Warning::NotAPair(word)),
                Token::Unclosed(key) => warn(Warning::Unclosed(key)),
            }
        }
        line
    }

    /// Programs that are to be started at boot.
    #[must_use]
    pub fn started_at_boot(&self) -> usize {
        let shells = usize::try_from(self.shells).unwrap_or(usize::MAX);
        if self.run.is_empty() { shells } else { self.run.count() }
    }

    fn set(&mut self, key: &'a str, value: &'a str, warn: &mut dyn FnMut(Warning<'_>)) {
        match KEYS.iter().find(|known| known.name == key) {
            None => warn(Warning::UnknownKey(key)),
            Some(known) => {
                if (known.set)(self, value).is_none() {
                    warn(Warning::BadValue {
                        key,
                        value,
                        keeping: Shown { line: self, key: known },
                    });
                }
            }
        }
    }
}

/// The value in force of one key, as a warning shows it.
pub struct Shown<'a> {
    line: &'a CommandLine<'a>,
    key: &'static Key,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.key.show)(self.line, f)
    }
}

/// The part of the file that is text and short enough.
fn readable<'a>(bytes: &'a [u8], warn: &mut dyn FnMut(Warning<'_>)) -> &'a str {
    let cut = bytes.get(..MAX_LEN).unwrap_or(bytes);
    if cut.len() < bytes.len() {
        warn(Warning::TooLong);
    }
    let text = cut.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    if text.len() < cut.len() {
        warn(Warning::NotText);
    }
    text
}
