//! The tasks of the kernel, read from its memory: who there is, who is on the CPU, what the others
//! left behind when they were switched out.
//!
//! A task is known from its birth to its end, and its place in the table stays the same meanwhile,
//! so the table is searched only when somebody attaches. [`Id::IDLE`] is not in the table: it is the
//! context in which the kernel boots, and the only one until there is a table.

mod census;
mod past;
mod state;
mod symbols;

use crate::info::Info;
use crate::machine::Machine;
use crate::paging::LOWER_HALF;
use crate::programs::Program;
use crate::thread_id::Id;
use crate::wires::Result;

/// The callee-saved registers, which a switch keeps in the context.
pub const SAVED: [&str; 6] = ["rbx", "rbp", "r12", "r13", "r14", "r15"];

/// The idle context lies on the boot stack, this far from its low end at most.
const BOOT_STACK: u64 = 64 << 10;

/// One task.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name for gdb.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The program it runs, if its file is known.
    pub program: Option<Program>,
    /// Its place in the table.
    slot: u64,
    /// Where its context lies: at the top of its kernel stack.
    context: u64,
}

/// All of them.
#[derive(Debug)]
pub struct Tasks {
    table: u64,
    resumes: [u64; 2],
    info: Option<Info>,
    all: Vec<Task>,
    /// Build ids whose files are not known.
    strangers: Vec<Vec<u8>>,
    /// What a person has to be told.
    warnings: Vec<String>,
}

/// What a task that is switched out resumes with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resumption {
    /// Where all of it is on the CPU.
    pub rip: u64,
    /// Its stack pointer.
    pub rsp: u64,
    /// Its page tables.
    pub cr3: u64,
    /// The registers of [`SAVED`]; nobody knows them where the task goes on from its frame.
    pub saved: Option<[u64; SAVED.len()]>,
}

impl Tasks {
    /// Nobody, until the offset table at `table` has been looked at. At the first of the instructions
    /// `resumes` a task that goes on in the kernel has all its saved registers again; at the second one
    /// that goes on from its frame has its stack.
    #[must_use]
    pub fn new(table: u64, resumes: [u64; 2]) -> Self {
        let (all, strangers, warnings) = (Vec::new(), Vec::new(), Vec::new());
        Self { table, resumes, info: None, all, strangers, warnings }
    }

    /// Everybody in the table, in the order of birth.
    #[must_use]
    pub fn all(&self) -> &[Task] {
        &self.all
    }

    /// The task of that name, if it is in the table.
    #[must_use]
    pub fn find(&self, id: Id) -> Option<&Task> {
        self.all.iter().find(|task| task.id == id)
    }

    /// Who is on the CPU; `None` if it is somebody who has ended.
    ///
    /// In the kernel that is decided by the stack in use, which is right at every instruction of a
    /// switch; in ring 3, and before an entry has changed stacks, by what the scheduler says.
    pub fn current(&self, machine: &mut Machine) -> Result<Option<Id>> {
        let Some(info) = &self.info else { return Ok(Some(Id::IDLE)) };
        let rsp = machine.register("rsp")?;
        let (region, stride) = (info.get("stack.region")?, info.get("stack.stride")?);
        let place = |address: u64| address.checked_sub(region).map(|offset| offset / stride);
        let capacity = info.get("table.capacity")?;
        if let Some(on) = place(rsp).filter(|place| *place < capacity) {
            let here = self.all.iter().find(|task| place(task.context) == Some(on));
            return Ok(here.map(|task| task.id));
        }
        let idle = machine.word(info.get("idle.context")?)?.unwrap_or(0);
        if idle == 0 || (idle.saturating_sub(BOOT_STACK)..=idle + BOOT_STACK).contains(&rsp) {
            return Ok(Some(Id::IDLE));
        }
        let current = machine.word(info.get("current.context")?)?.unwrap_or(0);
        if current == idle {
            return Ok(Some(Id::IDLE));
        }
        Ok(self.all.iter().find(|task| task.context == current).map(|task| task.id))
    }

    /// Where the context of a task lies.
    pub fn context(&self, machine: &mut Machine, id: Id) -> Result<Option<u64>> {
        match (&self.info, self.find(id)) {
            (_, Some(task)) => Ok(Some(task.context)),
            (Some(info), None) if id == Id::IDLE => {
                Ok(machine.word(info.get("idle.context")?)?.filter(|context| *context != 0))
            }
            _ => Ok(None),
        }
    }

    /// Where a register of [`SAVED`] lies in memory.
    pub fn place_of(&self, machine: &mut Machine, id: Id, register: &str) -> Result<Option<u64>> {
        let (Some(info), Some(context)) = (&self.info, self.context(machine, id)?) else {
            return Ok(None);
        };
        let saved = SAVED.contains(&register) && self.saves_registers(machine, info, context)?;
        saved.then(|| Ok(context + info.get(&format!("context.{register}"))?)).transpose()
    }

    /// What a task that is not on the CPU resumes with.
    pub fn resumption(&self, machine: &mut Machine, id: Id) -> Result<Option<Resumption>> {
        let (Some(info), Some(context)) = (&self.info, self.context(machine, id)?) else {
            return Ok(None);
        };
        let mut word = |name: &str| -> Result<u64> {
            let address = context + info.get(&format!("context.{name}"))?;
            Ok(machine.word(address)?.unwrap_or(0))
        };
        let (rsp, cr3) = (word("rsp")?, word("cr3")?);
        let mut saved = [0; SAVED.len()];
        for (value, name) in saved.iter_mut().zip(SAVED) {
            *value = word(name)?;
        }
        let saved = self.saves_registers(machine, info, context)?.then_some(saved);
        let [in_kernel, at_exit] = self.resumes;
        let rip = if saved.is_some() { in_kernel } else { at_exit };
        Ok(Some(Resumption { rip, rsp, cr3, saved }))
    }

    /// Whether the task has registers in its context: not if it was done in the kernel.
    fn saves_registers(&self, machine: &mut Machine, info: &Info, context: u64) -> Result<bool> {
        let in_kernel = machine.word(context + info.get("context.in_kernel")?)?;
        Ok(in_kernel.is_some_and(|word| word << 32 != 0))
    }

    /// The page tables in which a task's address means something, if they are not in force.
    pub fn foreign_root(&self, machine: &mut Machine, id: Id, address: u64) -> Result<Option<u64>> {
        let (Some(info), Some(context)) = (&self.info, self.context(machine, id)?) else {
            return Ok(None);
        };
        if !LOWER_HALF.contains(&address) {
            return Ok(None);
        }
        let own = machine.word(context + info.get("context.cr3")?)?;
        let in_force = machine.register("cr3")?;
        Ok(own.filter(|own| *own != in_force))
    }
}
