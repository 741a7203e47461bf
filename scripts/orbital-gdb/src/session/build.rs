//! Whether the symbols are those of what runs: a build id says so.
//!
//! The kernel's decides whether anything can be told at all; it can be compared once the kernel has
//! been loaded. A program without symbols is worth a warning.

use std::path::Path;

use super::Session;
use crate::elf::{Identity, shown};
use crate::machine::Machine;
use crate::wires::{Error, Result};

impl Session {
    /// Tells a person what is wrong with the symbols.
    ///
    /// # Errors
    /// The kernel is another one than that of the symbols.
    pub(super) fn verify(&mut self) -> Result<()> {
        let unverified = self.unverified.take();
        self.unverified = still_unverified(&mut self.machine, &self.kernel, unverified)?;
        for warning in self.tasks.warnings() {
            eprintln!("orbital-gdb: {warning}");
        }
        Ok(())
    }
}

/// The identity of the kernel that `file` has, until that kernel is in memory.
///
/// # Errors
/// There is another kernel.
pub(super) fn still_unverified(
    machine: &mut Machine,
    file: &Path,
    identity: Option<Identity>,
) -> Result<Option<Identity>> {
    let Some(identity) = identity else { return Ok(None) };
    let found = machine.read(identity.note_address, identity.note.len() as u64)?;
    if found.len() < identity.note.len() {
        return Ok(Some(identity));
    }
    if found != identity.note {
        return Err(Error::Unexpected(format!(
            "wrong symbols: {} has build id {}, the kernel in memory has {}: rebuild, or start the \
             machine again",
            file.display(),
            shown(&identity.note),
            shown(&found)
        )));
    }
    Ok(None)
}
