//! Stop replies: what QEMU says when the machine stands still, and what gdb is told.

use std::fmt;

use crate::hex;
use crate::thread_id::Id;

/// Signal numbers of the protocol (gdb's `include/gdb/signals.def`).
pub mod signal {
    /// Ctrl-C.
    pub const INT: u8 = 2;
    /// A breakpoint, a watchpoint, the end of a step.
    pub const TRAP: u8 = 5;
}

/// Which access to memory stopped the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// As the stop reply names it.
    pub kind: Watch,
    /// The address.
    pub address: u64,
}

/// Kinds of watchpoints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watch {
    /// `watch`
    Write,
    /// `rwatch`
    Read,
    /// `awatch`
    Either,
}

impl Watch {
    const NAMES: [(&str, Self); 3] =
        [("watch", Self::Write), ("rwatch", Self::Read), ("awatch", Self::Either)];
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Watch::NAMES.iter().find(|(_, kind)| *kind == self.kind);
        write!(f, "{}:{:x};", name.map_or("", |(name, _)| name), self.address)
    }
}

/// Why QEMU stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawStop {
    /// The signal's number.
    pub signal: u8,
    /// The access, if it was a watchpoint.
    pub access: Option<Access>,
}

impl RawStop {
    /// Reads QEMU's `T` or `S` packet.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(packet).ok()?;
        let rest = text.strip_prefix(['T', 'S'])?;
        let signal = u8::from_str_radix(rest.get(..2)?, 16).ok()?;
        let access = rest[2..].split(';').find_map(|field| {
            let (name, address) = field.split_once(':')?;
            let (_, kind) = Watch::NAMES.iter().find(|(known, _)| *known == name)?;
            Some(Access { kind: *kind, address: hex::number(address)? })
        });
        Some(Self { signal, access })
    }
}

/// What gdb is told. Displayed as the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// A task stopped.
    Signal {
        /// Which.
        id: Id,
        /// The signal's number.
        signal: u8,
        /// The access, if it was a watchpoint.
        access: Option<Access>,
    },
    /// The machine went back to where its history begins.
    Beginning {
        /// Who is on the CPU there.
        id: Id,
    },
    /// A task was born: gdb makes it an inferior, and takes over symbols and breakpoints.
    Fork {
        /// Whom gdb takes for the one that made it.
        parent: Id,
        /// The new one.
        child: Id,
    },
    /// A task has a program whose symbols gdb does not have yet.
    Library {
        /// Which.
        id: Id,
    },
    /// A task has ended.
    Exited {
        /// Which.
        id: Id,
        /// Its code; gdb's has 32 bits.
        code: u32,
    },
}

impl Stop {
    /// A task stopped, and not at a watchpoint.
    #[must_use]
    pub fn at(id: Id, signal: u8) -> Self {
        Self::Signal { id, signal, access: None }
    }

    /// The task that gdb takes for selected from then on.
    #[must_use]
    pub fn reported(&self) -> Option<Id> {
        match *self {
            Self::Signal { id, .. }
            | Self::Beginning { id }
            | Self::Library { id }
            | Self::Fork { parent: id, .. } => Some(id),
            Self::Exited { .. } => None,
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signal { id, signal, access } => {
                write!(f, "T{signal:02x}")?;
                if let Some(access) = access {
                    access.fmt(f)?;
                }
                write!(f, "thread:{id};")
            }
            Self::Fork { parent, child } => {
                write!(f, "T{:02x}fork:{child};thread:{parent};", signal::TRAP)
            }
            Self::Beginning { id } => {
                write!(f, "T{:02x}replaylog:begin;thread:{id};", signal::TRAP)
            }
            Self::Library { id } => write!(f, "T{:02x}library:;thread:{id};", signal::TRAP),
            Self::Exited { id, code } => write!(f, "W{code:02x};process:{:x}", id.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, RawStop, Stop, Watch, signal};
    use crate::thread_id::Id;

    #[test]
    fn what_qemu_says_is_understood() {
        let plain = |signal| Some(RawStop { signal, access: None });
        assert_eq!(RawStop::parse(b"T05thread:01;"), plain(signal::TRAP));
        assert_eq!(RawStop::parse(b"T02thread:p01.01;"), plain(signal::INT));
        assert_eq!(RawStop::parse(b"S8f"), plain(0x8f));
        let access = Access { kind: Watch::Either, address: 0x40_3000 };
        assert_eq!(
            RawStop::parse(b"T05thread:01;awatch:403000;"),
            Some(RawStop { signal: signal::TRAP, access: Some(access) })
        );
    }

    #[test]
    fn other_packets_are_no_stops() {
        for packet in [&b"OK"[..], b"", b"T", b"T0", b"W00", b"E01", b"\xff"] {
            assert_eq!(RawStop::parse(packet), None, "{packet:?}");
        }
    }

    #[test]
    fn what_gdb_is_told() {
        let id = Id(0x1f);
        let access = Some(Access { kind: Watch::Write, address: 0xabc });
        for (stop, packet) in [
            (Stop::Signal { id, signal: signal::TRAP, access: None }, "T05thread:p1f.1;"),
            (Stop::Signal { id, signal: signal::INT, access: None }, "T02thread:p1f.1;"),
            (Stop::Signal { id, signal: 5, access }, "T05watch:abc;thread:p1f.1;"),
            (Stop::Fork { parent: Id(1), child: id }, "T05fork:p1f.1;thread:p1.1;"),
            (Stop::Beginning { id }, "T05replaylog:begin;thread:p1f.1;"),
            (Stop::Library { id }, "T05library:;thread:p1f.1;"),
            (Stop::Exited { id, code: 7 }, "W07;process:1f"),
            (Stop::Exited { id, code: u32::MAX }, "Wffffffff;process:1f"),
        ] {
            assert_eq!(stop.to_string(), packet);
        }
    }

    #[test]
    fn the_end_of_a_task_selects_nobody() {
        assert_eq!(Stop::Exited { id: Id(1), code: 0 }.reported(), None);
        assert_eq!(Stop::Fork { parent: Id(1), child: Id(2) }.reported(), Some(Id(1)));
    }
}
