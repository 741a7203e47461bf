//! What a process may have, and what is kept for those that must always succeed.
//!
//! Everybody has the limits of the command line. Where others are refused, the first shell and what
//! it starts itself can go on: into the reserve of frames, each up to a share, and into the last
//! places of the table. So a person at the first shell can look, kill and start programs whatever
//! the others do; exit and kill themselves allocate nothing.

use orbital_core::process::Pid;

use super::{SpawnError, Starter};
use crate::boot;
use crate::memory::space::Limits;
use crate::sched::TABLE;

/// Who a new process is to those who share out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// The first shell, which owns the machine.
    Owner,
    /// Started by the first shell.
    OwnersChild,
    /// Everybody else.
    Ordinary,
}

/// Places in the table that an ordinary process does not get.
const KEPT_PLACES: usize = 16;

impl Standing {
    /// Frames that it may take from the reserve.
    const fn share(self) -> u64 {
        match self {
            // All that its stack can grow to, and more.
            Self::Owner => 300,
            // What a small program starts with and touches.
            Self::OwnersChild => 32,
            Self::Ordinary => 0,
        }
    }
}

/// Whether there may be one more process; what it may have.
pub(super) fn admit(starter: &Starter) -> Result<Limits, SpawnError> {
    let line = &boot::get().command_line;
    let kept = if starter.standing == Standing::Ordinary { KEPT_PLACES } else { 0 };
    TABLE.with(|table| {
        if !table.has_room(kept) {
            return Err(SpawnError::NoPlace);
        }
        let parent = table.find(starter.parent).filter(|_| starter.parent != Pid::LAUNCHER);
        if parent.is_some_and(|parent| table[parent].children() >= line.limit_children) {
            return Err(SpawnError::TooManyChildren);
        }
        Ok(Limits { pages: line.limit_pages, reserved: starter.standing.share() })
    })
}
