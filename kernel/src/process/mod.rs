//! How processes and tasks are made, and ended by others.
//!
//! [`spawn`] makes a process of a program, [`create_task`] a task in the caller's address space,
//! [`create_kernel_task`] a task of the kernel. Their machine half is [`Machine`]; the memory
//! of one that is killed is given back here, while the table's slot stays until the status is collected.

mod error;
mod limits;

pub(crate) use error::SpawnError;
pub(crate) use limits::Standing;

use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_core::process::{Pid, ProcState};
use orbital_core::sched::Slot;

use crate::loader;
use crate::machine::{Machine, PROGRAMS, Program, release_memory, release_program};
use crate::memory::space::SpaceError;
use crate::ramdisk::Ramdisk;
use crate::sched::{self, TABLE};
use crate::{boot, console, debug, record, time};

use limits::admit;

/// Who starts a program.
#[derive(Clone, Copy)]
pub(crate) struct Starter {
    /// Becomes the parent.
    pub parent: Pid,
    /// The session it reads from; `None`: it becomes the leader of one of its own.
    pub session: Option<Pid>,
    /// What the program may have where others are refused.
    pub standing: Standing,
}

/// Starts the ramdisk's program `name` as a process of that name. A refusal is logged, under
/// a name that cannot forge a line of the log.
pub(crate) fn spawn_program(
    ramdisk: &Ramdisk,
    name: &str,
    arguments: &[u8],
    starter: Starter,
) -> Result<Pid, SpawnError> {
    let program = name.strip_prefix("bin/").unwrap_or(name);
    let spawned = match ramdisk.program(program) {
        Some(bytes) => spawn(program, bytes, arguments, starter),
        None => Err(SpawnError::NotFound),
    };
    match &spawned {
        Ok(_) | Err(SpawnError::NotFound | SpawnError::BadArguments) => {}
        Err(error) => {
            console::log(format_args!("[kernel] {} refused: {error}", program.escape_debug()));
        }
    }
    spawned
}

/// Starts the program in `bytes` as process `name`; `arguments` are NUL-terminated strings.
pub(crate) fn spawn(
    name: &str,
    bytes: &'static [u8],
    arguments: &[u8],
    starter: Starter,
) -> Result<Pid, SpawnError> {
    let limits = admit(&starter)?;
    let loaded = loader::load(bytes, arguments, limits)?;
    let frame = TrapFrame::user(loaded.entry, loaded.stack_pointer, 0);
    let root = loaded.space.root();
    let program = Program { space: loaded.space, tls: loaded.tls };
    #[expect(clippy::result_large_err, reason = "a full pool gives the program back")]
    let program = PROGRAMS
        .with(|programs| programs.insert(program))
        .map_err(|_dropped| SpawnError::NoPlace)?;
    let session = starter.session.unwrap_or(Pid::LAUNCHER);
    let mut machine = match Machine::try_new(Some(program), session, limits.priority(0)) {
        Ok(machine) => machine,
        Err(program) => {
            release_program(program);
            return Err(SpaceError::OutOfMemory.into());
        }
    };
    machine.start_at(root, frame, loaded.fs_base);
    insert(name, starter, machine).ok_or(SpawnError::NoPlace)
}

/// Starts a task at `entry(argument)` in the address space of the process in `creator`.
pub(crate) fn create_task(creator: Slot, entry: u64, argument: u64) -> Result<Pid, SpawnError> {
    let (name, starter) = TABLE.with(|table| {
        let process = &table[creator];
        let session = process.machine().session;
        let starter =
            Starter { parent: process.pid(), session: Some(session), standing: Standing::Ordinary };
        (*process.name(), starter)
    });
    let limits = admit(&starter)?;
    let program = TABLE.with(|table| {
        let program = table[creator].machine().program.as_ref();
        program.map(|key| PROGRAMS.with(|all| all.share(key)))
    });
    let session = starter.session.unwrap_or(Pid::LAUNCHER);
    let mut machine =
        Machine::try_new(program, session, limits.priority(0)).map_err(|program| {
            release_program(program);
            SpaceError::OutOfMemory
        })?;
    let made = machine.program.as_ref().ok_or(SpaceError::BadRange).and_then(|key| {
        PROGRAMS.with(|all| {
            let Program { space, tls } = &mut all[key];
            Ok((loader::add_task(space, *tls)?, space.root()))
        })
    });
    let (memory, root) = made.inspect_err(|_| release_memory(&mut machine))?;
    // The psABI wants rsp + 8 to be a multiple of 16 at a function's first instruction; the word
    // at rsp is its return address, 0: a task that returns faults at 0 instead of running on.
    let frame = TrapFrame::user(entry, memory.stack_pointer - 8, argument);
    machine.user_stack = Some(memory.stack);
    machine.start_at(root, frame, memory.fs_base);
    insert(name.as_str(), starter, machine).ok_or(SpawnError::NoPlace)
}

/// Starts a task of the kernel that runs `entry` with interrupts off.
pub(crate) fn create_kernel_task(
    pid: Pid,
    name: &str,
    entry: extern "C" fn(usize) -> !,
) -> Option<()> {
    let mut machine = Machine::for_kernel(entry)?;
    machine.set_id(pid);
    let slot = TABLE.with(|table| {
        let context = machine.context().expose_provenance();
        let slot = table.create_kernel_task(pid, name, machine, context).ok()?;
        table.start(slot, rdtsc());
        Some(slot)
    })?;
    debug::spawned(pid, slot);
    record::born(pid, name);
    Some(())
}

fn insert(name: &str, starter: Starter, machine: Machine) -> Option<Pid> {
    let mut machine = Some(machine);
    let made = TABLE.with(|table| {
        if !table.has_room(0) {
            return None;
        }
        let machine = machine.take()?;
        let context = machine.context().expose_provenance();
        let slot = table.create(name, starter.parent, machine, context).ok()?;
        let pid = table[slot].pid();
        let machine = table[slot].machine_mut();
        machine.set_id(pid);
        if starter.session.is_none() {
            machine.session = pid;
        }
        table.start(slot, rdtsc());
        time::arm(table.next_due());
        Some((pid, slot))
    });
    match (made, machine) {
        (Some((pid, slot)), _) => {
            debug::spawned(pid, slot);
            record::born(pid, name);
            if !boot::get().command_line.quiet {
                console::log(format_args!("[kernel] pid {pid} ({name}) started"));
            }
        }
        (None, Some(mut machine)) => release_memory(&mut machine),
        (None, None) => {}
    }
    made.map(|(pid, _)| pid)
}

/// Ends `pid` in the name of `by` and gives back what it held. It must not be the running process.
pub(crate) fn kill(by: Pid, pid: Pid) {
    if let Ok(victim) = TABLE.with(|table| table.kill_for(by, pid, rdtsc())) {
        killed(victim);
    }
}

/// Gives back what a process held that the table has just ended.
pub(crate) fn killed(victim: Slot) {
    let (pid, name, status) = TABLE.with(|table| {
        time::arm(table.next_due());
        let status = table.task(victim).state();
        let process = &mut table[victim];
        release_memory(process.machine_mut());
        (process.pid(), *process.name(), status)
    });
    if let ProcState::Exited(status) = status {
        sched::announce_end(pid, name.as_str(), status);
    }
}
