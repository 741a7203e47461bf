//! gdb's questions, and who answers them: [`Session`].
//!
//! Everything that is about a task is answered here, from what [`Tasks`] knows; the rest goes to
//! QEMU as it is. The machine runs only inside `run`.

mod back;
mod births;
mod build;
mod documents;
mod memory;
mod packets;
mod run;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::breakpoints::{Breakpoints, Owner, Place};
use crate::elf::{self, Identity};
use crate::machine::Machine;
use crate::programs::Programs;
use crate::stop::Stop;
use crate::tasks::Tasks;
use crate::thread_id::Id;
use crate::wires::{Error, Result, Wires};

/// The files that say what the machine runs.
#[derive(Clone, Debug)]
pub struct Symbols {
    /// The kernel, with its symbols.
    pub kernel: PathBuf,
    /// Programs with theirs, or folders of them.
    pub programs: Vec<PathBuf>,
}

/// Addresses in the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// The offset table.
    pub info: u64,
    /// Called when somebody was born: pid in rdi, slot in rsi.
    pub spawned: u64,
    /// Called when somebody has ended: pid in rdi, code in rsi.
    pub exited: u64,
    /// Where a system call enters the kernel, with its return address in rcx.
    pub syscall: u64,
    /// Where the switch is over and all registers are the task's that resumes: the `ret` of one that
    /// goes on in the kernel, and where one goes on from its frame.
    pub resumes: [u64; 2],
}

/// One gdb and one machine.
pub struct Session {
    machine: Machine,
    tasks: Tasks,
    programs: Programs,
    breakpoints: Breakpoints,
    hooks: Hooks,
    kernel: PathBuf,
    /// What tells the kernel from others, until it has been found in memory.
    unverified: Option<Identity>,
    /// Whom gdb knows.
    known: Vec<Id>,
    /// Whom gdb has let go.
    detached: Vec<Id>,
    /// Who was announced when there was no telling which program it runs.
    nameless: Vec<Id>,
    /// Whom gdb has selected since the last stop.
    selected: Option<Id>,
    /// Who was reported last: gdb takes it for selected.
    reported: Id,
    /// Who was born last, until gdb has taken note of it and goes on.
    newborn: Option<Id>,
    /// Who alone is to run on, as gdb says with `Hc`; it says so backwards only.
    alone: Option<Id>,
    /// Whom the user sent back.
    sent_back: Option<Id>,
    /// Whom gdb wants stepped.
    stepping: Option<Id>,
    /// Where that one is awaited, if a birth came in between.
    awaited: Option<u64>,
    /// What gdb is to be told once it knows everybody.
    pending: Option<Stop>,
    /// Whether gdb can be told of births.
    follows_forks: bool,
    /// Whether gdb has asked for physical addresses.
    physical: bool,
    over: bool,
}

impl Session {
    /// Takes hold of a machine, which stops.
    ///
    /// # Errors
    /// QEMU, the kernel or its files are not as they must be.
    pub fn new(wires: Wires, symbols: &Symbols) -> Result<Self> {
        let names = [
            "ORBITAL_DEBUG_INFO",
            "orbital_debug_spawned",
            "orbital_debug_exited",
            "syscall_entry",
            "return_in_kernel",
            "resume_at_exit",
        ];
        let [info, spawned, exited, syscall, returns, resumes] =
            elf::symbols(&symbols.kernel, names)?;
        let hooks = Hooks {
            info: info.address,
            spawned: spawned.address,
            exited: exited.address,
            syscall: syscall.address,
            resumes: [returns.address, resumes.address],
        };
        let programs = Programs::read(&symbols.programs)?;
        let kernel = std::fs::canonicalize(&symbols.kernel)?;
        let identity = elf::identity(&kernel)?;
        Self::with(wires, hooks, (kernel, identity), programs)
    }

    fn with(
        wires: Wires,
        hooks: Hooks,
        (kernel, identity): (PathBuf, Option<Identity>),
        programs: Programs,
    ) -> Result<Self> {
        let mut machine = Machine::connect(wires)?;
        let unverified = build::still_unverified(&mut machine, &kernel, identity)?;
        let mut tasks = Tasks::new(hooks.info, hooks.resumes);
        tasks.scan(&mut machine, &programs)?;
        let mut breakpoints = Breakpoints::default();
        for hook in [hooks.spawned, hooks.exited] {
            breakpoints.insert(&mut machine, Place::code(hook), Owner::Hook)?;
        }
        let first = tasks.current(&mut machine)?.unwrap_or(Id::IDLE);
        Ok(Self {
            machine,
            tasks,
            programs,
            breakpoints,
            hooks,
            kernel,
            unverified,
            known: vec![first],
            detached: Vec::new(),
            nameless: Vec::new(),
            selected: None,
            reported: first,
            newborn: None,
            alone: None,
            sent_back: None,
            stepping: None,
            awaited: None,
            pending: None,
            follows_forks: false,
            physical: false,
            over: false,
        })
    }

    /// Serves gdb until it or QEMU goes. Whatever the reason, the machine is left clean and running.
    ///
    /// # Errors
    /// QEMU or the kernel is not as it must be.
    pub fn serve(&mut self) -> Result<()> {
        match self.answer_all() {
            Ok(()) | Err(Error::GdbGone) => self.leave(),
            Err(Error::StubGone) => Ok(()),
            Err(error) => self.leave().and(Err(error)),
        }
    }

    fn answer_all(&mut self) -> Result<()> {
        while !self.over {
            let packet = self.machine.wires.command()?;
            if let Some(answer) = self.answer(&packet)? {
                self.machine.wires.reply(answer.as_bytes())?;
            }
            if packet == b"QStartNoAckMode" {
                self.machine.wires.stop_acknowledging();
            }
        }
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        if self.physical {
            self.machine.ask("Qqemu.PhyMemMode:0")?;
        }
        self.breakpoints.clear(&mut self.machine)?;
        self.machine.detach()
    }
}

/// What gdb hears of something that cannot be done.
fn error() -> String {
    "E01".to_owned()
}
