//! The kernel command line: `KEY=VALUE` separated by white space.
//!
//! [`CommandLine::parse`] reads the text of the ramdisk's `cmdline` file. A value that contains
//! white space stands in double quotes: `run="prog args; prog2 args"`. What is unknown or wrong is
//! reported, one [`Warning`] each, and leaves the default; nothing here can fail. A key that
//! stands twice means its last value. A new key is one row in `KEYS` and a field.
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

mod programs;
#[cfg(test)]
mod tests;
mod tokens;
mod warning;

use core::fmt;
use core::ops::RangeInclusive;

use orbital_abi::sched::{QUANTUM_DEFAULT, QUANTUM_MAX, QUANTUM_MIN};

use crate::sched::AnyPolicy;

use programs::MAX_PROGRAMS;
use tokens::{Token, Tokens};

pub use programs::{Program, Programs};
pub use warning::Warning;

/// Bytes of the command line that are read; a longer one is cut, with a warning.
pub const MAX_LEN: usize = 4096;

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
    /// Which allocation of a frame fails once, counted from the first spawn; 0 for none.
    pub fail: u64,
    /// Panic once everything runs, to see what a panic looks like.
    pub panic: bool,
}

/// One key: its name, how its value is taken, and how the one in force is shown.
struct Key {
    name: &'static str,
    set: for<'a> fn(&mut CommandLine<'a>, &'a str) -> Option<()>,
    show: fn(&CommandLine<'_>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// Every key the kernel knows.
const KEYS: &[Key] = &[
    Key {
        name: "shells",
        set: |line, value| number(value, 0..=64).map(|shells| line.shells = shells),
        show: |line, f| write!(f, "{}", line.shells),
    },
    Key {
        name: "run",
        set: |line, value| programs(value).map(|run| line.run = run),
        show: |line, f| f.write_str(if line.run.is_empty() { "the shells" } else { "the others" }),
    },
    Key {
        name: "poweroff",
        set: |line, value| yes_or_no(value).map(|poweroff| line.poweroff = poweroff),
        show: |line, f| f.write_str(if line.poweroff { "yes" } else { "no" }),
    },
    Key {
        name: "sched",
        set: |line, value| AnyPolicy::NAMES.contains(&value).then(|| line.sched = value),
        show: |line, f| f.write_str(line.sched),
    },
    Key {
        name: "quantum",
        set: |line, value| duration(value).map(|quantum| line.quantum = quantum),
        show: |line, f| write!(f, "{}us", line.quantum.div_euclid(1000)),
    },
    Key {
        name: "seed",
        set: |line, value| value.parse().ok().map(|seed| line.seed = seed),
        show: |line, f| write!(f, "{}", line.seed),
    },
    Key {
        name: "trace",
        set: |line, value| number(value, 0..=1 << 16).map(|trace| line.trace = trace),
        show: |line, f| write!(f, "{}", line.trace),
    },
    Key {
        name: "quiet",
        set: |line, value| yes_or_no(value).map(|quiet| line.quiet = quiet),
        show: |line, f| f.write_str(if line.quiet { "yes" } else { "no" }),
    },
    Key {
        name: "fail",
        set: |line, value| value.parse().ok().map(|fail| line.fail = fail),
        show: |line, f| write!(f, "{}", line.fail),
    },
    Key {
        name: "panic",
        set: |line, value| yes_or_no(value).map(|panic| line.panic = panic),
        show: |line, f| f.write_str(if line.panic { "yes" } else { "no" }),
    },
];

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
        fail: 0,
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

fn number(value: &str, allowed: RangeInclusive<u64>) -> Option<u64> {
    value.parse().ok().filter(|number| allowed.contains(number))
}

/// A length of time: a number and `ns`, `us`, `ms` or `s`; in nanoseconds.
fn duration(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match value.strip_prefix(digits)? {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return None,
    };
    let nanos = digits.parse::<u64>().ok()?.checked_mul(scale)?;
    (QUANTUM_MIN..=QUANTUM_MAX).contains(&nanos).then_some(nanos)
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn programs(value: &str) -> Option<Programs<'_>> {
    let programs = Programs::new(value);
    (1..=MAX_PROGRAMS).contains(&programs.count()).then_some(programs)
}
