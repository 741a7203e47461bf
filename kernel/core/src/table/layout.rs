//! Where things lie in the table, for debuggers that read it from outside.
//!
//! The layouts are fixed by `repr`: an entry is a tag byte and the process behind it (a `repr(C,
//! u8)` enum, Rust reference "Primitive representation of field-less enums" and RFC 2195), a state
//! is a tag byte with its payload at the next word.

use core::mem::offset_of;

use super::{Entry, Table};
use crate::process::{Name, Process};

/// Bytes between the tag of a state, or of what is in it, and the payload.
const PAYLOAD: u64 = size_of::<u64>() as u64;

impl<M> Table<M> {
    /// Every address, offset and size that finding the processes takes, by name.
    pub fn layout(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let offset = |bytes: usize| bytes as u64;
        [
            ("table.entries", self.slots.as_ptr().addr() as u64),
            ("table.capacity", self.slots.len() as u64),
            // Where the table counts its occupied entries.
            ("table.live", (&raw const self.live).addr() as u64),
            ("entry.size", offset(size_of::<Entry<M>>())),
            // A vacant entry has 0 here, an occupied one 1.
            ("entry.tag", 0),
            ("entry.process", offset(align_of::<Process<M>>())),
            ("process.pid", offset(offset_of!(Process<M>, pid))),
            ("process.parent", offset(offset_of!(Process<M>, parent))),
            ("process.machine", offset(offset_of!(Process<M>, machine))),
            ("process.name", offset(offset_of!(Process<M>, name))),
            ("name.size", Name::MAX as u64),
            // In a Blocked or Exited state: the tag of `WaitFor` or `ExitStatus`, then its value.
            ("state.inner", PAYLOAD),
            ("state.value", 2 * PAYLOAD),
            ("table.ready", (&raw const self.ready).addr() as u64),
            // The slot of the running task while it passes its turn without the policy; else all ones.
            ("table.turn", (&raw const self.turn).addr() as u64),
        ]
        .into_iter()
        .chain(self.effects.layout())
        .chain(self.tasks.layout())
        .chain(self.policy.layout())
    }
}
