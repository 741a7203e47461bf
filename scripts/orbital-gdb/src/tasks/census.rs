//! Who lives: the kernel's process table, slot by slot.

use super::state::{self, State};
use super::{Task, Tasks};
use crate::info::{self, Info};
use crate::machine::Machine;
use crate::programs::Programs;
use crate::thread_id::Id;
use crate::wires::Result;

impl Tasks {
    /// Looks for everybody, whatever was known before.
    pub fn scan(&mut self, machine: &mut Machine, programs: &Programs) -> Result<()> {
        self.all.clear();
        self.learn(machine)?;
        let Some(info) = &self.info else { return Ok(()) };
        let capacity = info.get("table.capacity")?;
        let mut left = machine.word(info.get("table.live")?)?.unwrap_or(0);
        for slot in 0..capacity {
            if left == 0 {
                break;
            }
            if self.add(machine, programs, slot)? {
                left -= 1;
            }
        }
        Ok(())
    }

    /// Reads what the kernel says of itself, if it is there yet.
    fn learn(&mut self, machine: &mut Machine) -> Result<()> {
        self.info = Info::read(machine, self.table)?;
        if let Some(info) = &self.info {
            machine.promised = info.get("page.promised")?;
        }
        Ok(())
    }

    /// Somebody was born in that slot.
    pub fn born(&mut self, machine: &mut Machine, programs: &Programs, slot: u64) -> Result<()> {
        if self.info.is_none() {
            self.learn(machine)?;
        }
        self.add(machine, programs, slot).map(drop)
    }

    /// Somebody has ended.
    pub fn ended(&mut self, id: Id) {
        self.all.retain(|task| task.id != id);
    }

    /// Adds whoever lives in a slot; whether it is occupied.
    fn add(&mut self, machine: &mut Machine, programs: &Programs, slot: u64) -> Result<bool> {
        let Some(info) = &self.info else { return Ok(false) };
        let (bytes, record) = rows(info, machine, slot)?;
        let Some(state) = state::read(info, &bytes, &record)? else { return Ok(false) };
        let process = info.get("entry.process")?;
        let (Some(pid), Some(context)) = (
            state::word(&bytes, process + info.get("process.pid")?),
            state::word(&record, info.get("task.context")?),
        ) else {
            return Ok(true);
        };
        let name = (process + info.get("process.name")?) as usize;
        let name = bytes.get(name..name + info.get("name.size")? as usize).unwrap_or_default();
        let name = info::text(name);
        if let Some(id) = Id::of_pid(pid)
            && state.is_alive()
            && self.find(id).is_none()
        {
            self.all.push(Task { id, name, program: None, slot, context });
            let program = self.program(machine, programs, id)?;
            self.all
                .iter_mut()
                .filter(|task| task.id == id)
                .for_each(|task| task.program = program.clone());
        }
        Ok(true)
    }

    /// What a task does, for a person; `None` if it has ended.
    pub fn status(&self, machine: &mut Machine, id: Id) -> Result<Option<String>> {
        let (Some(info), Some(task)) = (&self.info, self.find(id)) else {
            return Ok((id == Id::IDLE).then(String::new));
        };
        let state = state_of(info, machine, task)?.filter(State::is_alive);
        Ok(state.map(|state| state.to_string()))
    }
}

/// The state of a task; `None` if its slot is empty.
pub(super) fn state_of(info: &Info, machine: &mut Machine, task: &Task) -> Result<Option<State>> {
    let (entry, record) = rows(info, machine, task.slot)?;
    state::read(info, &entry, &record)
}

/// What the kernel's two tables have of a slot: its entry, and its record.
fn rows(info: &Info, machine: &mut Machine, slot: u64) -> Result<(Vec<u8>, Vec<u8>)> {
    let entry = element(info, machine, ("table.entries", "entry.size"), slot)?;
    Ok((entry, element(info, machine, ("tasks", "task.size"), slot)?))
}

/// The bytes of one element of an array whose address and stride the offset table names.
fn element(
    info: &Info,
    machine: &mut Machine,
    (base, size): (&str, &str),
    slot: u64,
) -> Result<Vec<u8>> {
    let size = info.get(size)?;
    machine.read(info.get(base)?.wrapping_add(size.wrapping_mul(slot)), size)
}
