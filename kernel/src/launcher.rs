//! The multi-process launcher: starts what runs at boot, collects orphans, switches off.
//!
//! Three verbs: [`spawn_single`] and [`spawn_multiple`] start shells, [`start`] is the start-up
//! entry point that decides between N shells and the programs of `run=`. The launcher itself is a
//! task of the kernel ([`main`]) and the parent of everything it starts and of every orphan.

use core::fmt::Write;

use orbital_arch::qemu;
use orbital_core::process::{Pid, ProcState, WaitFor};

use crate::boot::Boot;
use crate::console::log;
use crate::machine::release_memory;
use crate::process::{self, SpawnError, Standing, Starter};
use crate::ramdisk::Ramdisk;
use crate::sched::{self, TABLE};
use crate::sync::{Lock, Order};
use crate::text::{ArgumentBlock, Text};
use crate::{leaks, memory, record, terminal};

/// The program that a shell is.
const SHELL: &str = "shell";

/// Who the launcher starts things for: itself, each in a session of its own.
const STARTER: Starter =
    Starter { parent: Pid::LAUNCHER, session: None, standing: Standing::Ordinary };

/// What became of what was started.
struct Started {
    /// Processes started since boot.
    total: usize,
    /// Those of them that have not ended yet.
    running: usize,
    /// Whether one of them failed, or could not be started.
    failed: bool,
}

static STARTED: Lock<Started> =
    Lock::new(Order::Launcher, Started { total: 0, running: 0, failed: false });

/// The launcher's life: starts what `boot` asks for, then collects what ends.
pub(crate) fn main(boot: &Boot) -> ! {
    leaks::remember();
    memory::frames::expect_failures(boot.command_line.fail);
    start(boot);
    assert!(!boot.command_line.panic, "the command line asks for a panic");
    loop {
        collect();
        if boot.command_line.poweroff && STARTED.with(|started| started.running == 0) {
            power_off();
        }
        sched::block(WaitFor::Work);
    }
}

/// The start-up entry point: the programs of `run=` if there are any, else N shells.
pub(crate) fn start(boot: &Boot) {
    if !boot.command_line.run.is_empty() {
        return run_programs(boot);
    }
    let count = boot.command_line.shells;
    log(format_args!("[launcher] Multi-process shell launcher"));
    log(format_args!("[launcher] Spawning {count} concurrent shell instances..."));
    let spawned = spawn_multiple(&boot.ramdisk, count);
    let total = STARTED.with(|started| started.total);
    log(format_args!("[launcher] Spawned {spawned} processes, total this session: {total}"));
    log(format_args!("[launcher] Multi-process execution ready"));
    let policy = TABLE.with(|table| table.policy_name());
    log(format_args!("[launcher] {spawned} shells running concurrently (policy: {policy})"));
}

/// Starts the programs of `run=`, all of them before the first runs.
fn run_programs(boot: &Boot) {
    for program in boot.command_line.run.iter() {
        let mut arguments = ArgumentBlock::new();
        let spawned = if program.argv().all(|argument| arguments.push(argument)) {
            process::spawn_program(&boot.ramdisk, program.name, arguments.as_bytes(), STARTER)
        } else {
            Err(SpawnError::BadArguments)
        };
        if let Err(error @ (SpawnError::NotFound | SpawnError::BadArguments)) = &spawned {
            log(format_args!("[kernel] {} refused: {error}", program.name));
        }
        let spawned = spawned.ok();
        note_start(spawned);
    }
}

/// Starts `count` shells; how many could be started.
pub(crate) fn spawn_multiple(ramdisk: &Ramdisk, count: u64) -> usize {
    if let Some(bytes) = ramdisk.program(SHELL) {
        log(format_args!("[launcher] Binary size: {} bytes", bytes.len()));
    }
    (0..count).filter(|&index| spawn_single(ramdisk, index).is_some()).count()
}

/// Starts the shell with this number; its pid. The first one owns the machine.
pub(crate) fn spawn_single(ramdisk: &Ramdisk, index: u64) -> Option<Pid> {
    let mut name = Text::<32>::new();
    let _ = write!(name, "orbital-shell-{index}");
    let standing = if index == 0 { Standing::Owner } else { Standing::Ordinary };
    let starter = Starter { standing, ..STARTER };
    let spawned = match ramdisk.program(SHELL) {
        Some(bytes) => process::spawn(name.as_str(), bytes, b"shell\0", starter),
        None => Err(SpawnError::NotFound),
    };
    match &spawned {
        Ok(pid) if index == 0 => TABLE.with(|table| table.set_owner(*pid)),
        Ok(_) => {}
        Err(error) => log(format_args!("[kernel] {} refused: {error}", name.as_str())),
    }
    let pid = note_start(spawned.ok())?;
    log(format_args!("[launcher] Spawned process {}: PID {pid}", name.as_str()));
    Some(pid)
}

fn note_start(spawned: Option<Pid>) -> Option<Pid> {
    if let Some(pid) = spawned {
        terminal::open_session(pid);
    }
    STARTED.with(|started| {
        started.total += usize::from(spawned.is_some());
        started.running += usize::from(spawned.is_some());
        started.failed |= spawned.is_none();
    });
    spawned
}

/// Takes every orphan that has ended apart; notes how those that the launcher started ended.
fn collect() {
    while let Some((mut process, status)) = TABLE.with(|table| table.take_ended_orphan()) {
        release_memory(process.machine_mut());
        // A process that leads a session was started here; an adopted one reads from another's.
        if process.machine().session == process.pid() {
            terminal::close_session(process.pid());
            STARTED.with(|started| {
                started.running -= 1;
                started.failed |= !status.is_success();
            });
        }
    }
}

/// Ends what still runs, checks that nothing was lost, and leaves the machine.
fn power_off() -> ! {
    while let Some(pid) = TABLE.with(|table| {
        table
            .iter()
            .filter(|(slot, _)| !matches!(table.task(*slot).state(), ProcState::Exited(_)))
            .map(|(_, process)| process.pid())
            .find(|pid| !pid.is_kernel_task())
    }) {
        process::kill(Pid::LAUNCHER, pid);
    }
    // What ended with its parent comes to the launcher one generation at a time.
    collect();
    let clean = leaks::check();
    let failed = STARTED.with(|started| started.failed);
    log(format_args!("[kernel] power off"));
    terminal::drain();
    // SAFETY: nobody runs after this.
    unsafe { record::finish() };
    qemu::exit(if clean && !failed { qemu::SUCCESS } else { qemu::PROGRAM_FAILED })
}
