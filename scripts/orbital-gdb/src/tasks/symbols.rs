//! Which file has the symbols of a task, and what to tell a person if none has.

use super::{Resumption, Tasks};
use crate::elf;
use crate::machine::Machine;
use crate::programs::{Found, Program, Programs};
use crate::thread_id::Id;
use crate::wires::Result;

impl Tasks {
    /// The program that a task runs, if its file is known.
    pub(super) fn program(
        &mut self,
        machine: &mut Machine,
        programs: &Programs,
        id: Id,
    ) -> Result<Option<Program>> {
        let Some(Resumption { cr3, .. }) = self.resumption(machine, id)? else { return Ok(None) };
        let read = |address, length| machine.read_in(cr3, address, length);
        let note = match programs.find(read)? {
            Found::Known(program) => return Ok(Some(program)),
            Found::Nothing => return Ok(None),
            Found::Stranger(note) => note,
        };
        if let Some(task) = self.find(id)
            && !self.strangers.contains(&note)
        {
            self.warnings.push(format!(
                "wrong symbols: pid {} ({}) has build id {}, and no program here has: rebuild, or \
                 start the machine again",
                id.0,
                task.name,
                elf::shown(&note)
            ));
            self.strangers.push(note);
        }
        Ok(None)
    }

    /// What a person has to be told and was not yet.
    pub fn warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }
}
