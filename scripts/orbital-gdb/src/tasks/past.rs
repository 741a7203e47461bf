//! What tells one who goes back in time when a task was on the CPU last.

use super::Tasks;
use super::census::state_of;
use crate::breakpoints::Place;
use crate::machine::Machine;
use crate::thread_id::Id;
use crate::wires::Result;

impl Tasks {
    /// What each switch away from a task writes, as a watchpoint; `None` if there was no such switch.
    pub fn mark(&self, machine: &mut Machine, id: Id) -> Result<Option<Place>> {
        let (Some(info), Some(context)) = (&self.info, self.context(machine, id)?) else {
            return Ok(None);
        };
        if let Some(task) = self.find(id)
            && state_of(info, machine, task)?.is_none_or(|state| !state.has_run())
        {
            return Ok(None);
        }
        let address = context + info.get("context.selectors")?;
        Ok(Some(Place { kind: 2, address, length: 2 }))
    }
}
