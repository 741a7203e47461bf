//! How gdb names processes and threads: `p1f.1` is thread 1 of process 0x1f; -1 is all, 0 any.
//!
//! Each task of Orbital is a process of gdb's with one thread, whose number is 1.

use std::fmt;

use crate::hex;

/// A task as gdb knows it: the number of its process. Never 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Id(pub u32);

impl Id {
    /// The context in which the kernel boots, and which idles later.
    pub const IDLE: Self = Self(0x7fff_fffe);
    /// The launcher: its pid in Orbital is 0, which gdb takes for "any".
    pub const LAUNCHER: Self = Self(0x7fff_fffd);

    /// The name of the task with that pid; `None` if it does not fit gdb's numbers.
    #[must_use]
    pub fn of_pid(pid: u64) -> Option<Self> {
        match pid {
            0 => Some(Self::LAUNCHER),
            _ => i32::try_from(pid).ok().map(|pid| Self(pid.cast_unsigned())),
        }
    }
}

/// As `p1f.1`.
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{:x}.1", self.0)
    }
}

/// Whom a packet is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// All of them.
    All,
    /// Whichever the stub likes.
    Any,
    /// This one.
    One(Id),
}

impl Target {
    /// Reads `p1f.1`, `p1f.-1`, `p1f`, `p0.0`, `p-1.-1`, or a number without `p`, which names a
    /// thread where processes have no names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let process = text.strip_prefix('p').unwrap_or(text);
        let (process, thread) = process.split_once('.').unwrap_or((process, "-1"));
        if thread != "-1" {
            hex::number(thread)?;
        }
        match process {
            "-1" => Some(Self::All),
            _ => Some(match u32::try_from(hex::number(process)?).ok()? {
                0 => Self::Any,
                process => Self::One(Id(process)),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, Target};

    #[test]
    fn every_form_is_read() {
        for (text, target) in [
            ("p1.1", Target::One(Id(1))),
            ("p1f.-1", Target::One(Id(0x1f))),
            ("p7fffffff.1", Target::One(Id(0x7fff_ffff))),
            ("2a", Target::One(Id(42))),
            ("p0.0", Target::Any),
            ("0", Target::Any),
            ("-1", Target::All),
            ("p-1.-1", Target::All),
        ] {
            assert_eq!(Target::parse(text), Some(target), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "p", "p1.", "px.1", "p1.x", "p100000000.1"] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for pid in [0, 1, 0x1f, 0x7fff_ffff] {
            let id = Id::of_pid(pid).unwrap();
            assert_eq!(Target::parse(&id.to_string()), Some(Target::One(id)));
        }
    }

    #[test]
    fn no_task_is_called_any_and_none_is_negative() {
        assert_eq!(Id::of_pid(0), Some(Id::LAUNCHER));
        assert_eq!(Id::of_pid(0x8000_0000), None);
    }
}
