//! The machine half of a process, and how processes and tasks are made and taken apart.
//!
//! [`Machine`] is what the table in `orbital-core` keeps for each process on the machine's side.
//! [`spawn`] makes a process of a program, [`create_task`] a task in the caller's address space,
//! [`create_kernel_task`] a task of the kernel. [`release_memory`] gives back what a process holds;
//! the table's slot stays until its status has been collected.

use core::ptr;

use orbital_abi::Errno;
use orbital_arch::fpu;
use orbital_arch::frame::TrapFrame;
use orbital_arch::switch::TaskContext;
use orbital_core::elf::{Refusal, Tls};
use orbital_core::pool::{Key, Pool};
use orbital_core::process::{Pid, ProcState};
use orbital_core::sched::Slot;

use crate::loader::{self, LoadError};
use crate::memory::frames::Priority;
use crate::memory::kstack::KernelStack;
use crate::memory::space::{AddressSpace, Limits, StackRange};
use crate::ramdisk::Ramdisk;
use crate::sched::{self, TABLE};
use crate::sync::{Lock, Order};
use crate::{console, debug, memory, time};

/// What the tasks of one program share.
pub(crate) struct Program {
    /// Their memory.
    pub(crate) space: AddressSpace,
    /// What the thread-local storage of a further task starts with.
    tls: Option<Tls<'static>>,
}

/// Every program that runs.
pub(crate) static PROGRAMS: Lock<Pool<Program>> = Lock::new(Order::Spaces, Pool::empty());

/// What the machine keeps for one task.
#[repr(C)]
pub(crate) struct Machine {
    /// The saved context; it lies at the top of the kernel stack.
    pub context: *mut TaskContext,
    /// The kernel stack, until the task has been taken apart.
    pub stack: Option<KernelStack>,
    /// Its program; tasks of the kernel have none.
    pub program: Option<Key>,
    /// The stack that `task_create` made, which goes when the task goes.
    pub(crate) user_stack: Option<StackRange>,
    /// The leader of the session it reads from.
    pub session: Pid,
    /// Until when it sleeps, in ticks, while a `sleep` call is under way; else 0.
    pub wake_at: u64,
}

// SAFETY: `context` points into `stack`, which moves with it and belongs to nobody else.
unsafe impl Send for Machine {}

/// Why a program could not be started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SpawnError {
    /// The ramdisk has no such program.
    NotFound,
    /// The file is not a program that Orbital runs.
    Refused(Refusal),
    /// The arguments are too long, or not a block of strings.
    BadArguments,
    /// No memory, kernel stack or place in the table is left.
    OutOfResources,
}

impl From<LoadError> for SpawnError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Refused(refusal) => Self::Refused(refusal),
            LoadError::BadArguments => Self::BadArguments,
            LoadError::Space(_) => Self::OutOfResources,
        }
    }
}

impl core::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such program"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::BadArguments => f.write_str("bad arguments"),
            Self::OutOfResources => f.write_str("out of resources"),
        }
    }
}

/// What a process may have.
const LIMITS: Limits = Limits { pages: 16 << 10, priority: Priority::Normal };

/// Who starts a program.
#[derive(Clone, Copy)]
pub(crate) struct Starter {
    /// Becomes the parent.
    pub parent: Pid,
    /// The session it reads from; `None`: it becomes the leader of one of its own.
    pub session: Option<Pid>,
}

/// Makes room for `max_spaces` address spaces. `None` if there is no memory for it.
pub(crate) fn init(max_spaces: usize) -> Option<()> {
    let made = Pool::try_new(max_spaces)?;
    PROGRAMS.with(|all| *all = made);
    Some(())
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
    if let Err(error @ (SpawnError::Refused(_) | SpawnError::OutOfResources)) = &spawned {
        console::log(format_args!("[kernel] {} refused: {error}", program.escape_debug()));
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
    let loaded = loader::load(bytes, arguments, LIMITS)?;
    let frame = TrapFrame::user(loaded.entry, loaded.stack_pointer, 0);
    let root = loaded.space.root();
    let program = Program { space: loaded.space, tls: loaded.tls };
    #[expect(clippy::result_large_err, reason = "a full pool gives the program back")]
    let program = PROGRAMS
        .with(|programs| programs.insert(program))
        .map_err(|_dropped| SpawnError::OutOfResources)?;
    let session = starter.session.unwrap_or(Pid::LAUNCHER);
    let mut machine = match new_machine(Some(program), session) {
        Ok(machine) => machine,
        Err(program) => {
            release_program(program);
            return Err(SpawnError::OutOfResources);
        }
    };
    place_user_context(&mut machine, root, frame, loaded.fs_base);
    insert(name, starter, machine).ok_or(SpawnError::OutOfResources)
}

/// Starts a task at `entry(argument)` in the address space of the process in `creator`.
pub(crate) fn create_task(creator: Slot, entry: u64, argument: u64) -> Result<Pid, Errno> {
    let (name, starter, program) = TABLE.with(|table| {
        let process = &table[creator];
        let machine = process.machine();
        let program = machine.program.as_ref().map(|key| PROGRAMS.with(|all| all.share(key)));
        let starter = Starter { parent: process.pid(), session: Some(machine.session) };
        (*process.name(), starter, program)
    });
    let session = starter.session.unwrap_or(Pid::LAUNCHER);
    let mut machine = new_machine(program, session).map_err(|program| {
        release_program(program);
        Errno::Error
    })?;
    let made = machine.program.as_ref().and_then(|key| {
        PROGRAMS.with(|all| {
            let Program { space, tls } = &mut all[key];
            Some((loader::add_task(space, *tls).ok()?, space.root()))
        })
    });
    let Some((memory, root)) = made else {
        release_memory(&mut machine);
        return Err(Errno::Error);
    };
    // The psABI wants rsp + 8 to be a multiple of 16 at a function's first instruction; the word
    // at rsp is its return address, 0: a task that returns faults at 0 instead of running on.
    let frame = TrapFrame::user(entry, memory.stack_pointer - 8, argument);
    machine.user_stack = Some(memory.stack);
    place_user_context(&mut machine, root, frame, memory.fs_base);
    insert(name.as_str(), starter, machine).ok_or(Errno::Error)
}

/// Starts a task of the kernel that runs `entry` with interrupts off.
pub(crate) fn create_kernel_task(
    pid: Pid,
    name: &str,
    entry: extern "C" fn(usize) -> !,
) -> Option<()> {
    let machine = new_machine(None, Pid::LAUNCHER).ok()?;
    let top = Top::of(machine.stack.as_ref()?);
    // SAFETY: the image lies in the new stack, which nobody uses yet.
    unsafe { fpu::write_initial_image(top.fpu) };
    // SAFETY: as above.
    let context =
        unsafe { TaskContext::for_kernel(top.stack, memory::kernel::root(), top.fpu, entry, 0) };
    // SAFETY: the context's place lies in the new stack too.
    unsafe { top.context.write(context) };
    TABLE.with(|table| {
        let slot = table.create_kernel_task(pid, name, machine).ok()?;
        table.start(slot);
        Some(())
    })
}

fn new_machine(program: Option<Key>, session: Pid) -> Result<Machine, Option<Key>> {
    match KernelStack::try_new(LIMITS.priority) {
        Some(stack) => Ok(Machine {
            context: Top::of(&stack).context,
            stack: Some(stack),
            program,
            user_stack: None,
            session,
            wake_at: 0,
        }),
        None => Err(program),
    }
}

fn place_user_context(machine: &mut Machine, root: u64, frame: TrapFrame, fs_base: u64) {
    let Some(stack) = machine.stack.as_ref() else { return };
    let top = Top::of(stack);
    // SAFETY: the image lies in the new stack, which nobody uses yet.
    unsafe { fpu::write_initial_image(top.fpu) };
    // SAFETY: as above; the frame goes where the stack begins.
    let mut context = unsafe { TaskContext::for_user(top.stack, root, top.fpu, frame) };
    context.fs_base = fs_base;
    // SAFETY: the context's place lies in the new stack too.
    unsafe { top.context.write(context) };
}

/// What lies at the top of a kernel stack.
///
/// ```text
///  top │ FPU image
///      │ TaskContext
///      │ stack: the TrapFrame, then frames of Rust
/// ```
struct Top {
    fpu: *mut u8,
    context: *mut TaskContext,
    stack: *mut u8,
}

impl Top {
    fn of(stack: &KernelStack) -> Self {
        const ALIGNMENT: u64 = 64;
        let fpu = (stack.top() - fpu::image_size() as u64) & !(ALIGNMENT - 1);
        let context = (fpu - size_of::<TaskContext>() as u64) & !(ALIGNMENT - 1);
        Self {
            fpu: ptr::with_exposed_provenance_mut(fpu as usize),
            context: ptr::with_exposed_provenance_mut(context as usize),
            stack: ptr::with_exposed_provenance_mut(context as usize),
        }
    }
}

fn insert(name: &str, starter: Starter, machine: Machine) -> Option<Pid> {
    let mut machine = Some(machine);
    let pid = TABLE.with(|table| {
        if !table.has_room() {
            return None;
        }
        let slot = table.create(name, starter.parent, machine.take()?).ok()?;
        let pid = table[slot].pid();
        if starter.session.is_none() {
            table[slot].machine_mut().session = pid;
        }
        table.start(slot);
        time::arm(table.next_due());
        Some(pid)
    });
    match (pid, machine) {
        (Some(pid), _) => {
            debug::spawned(pid);
            console::log(format_args!("[kernel] pid {pid} ({name}) started"));
        }
        (None, Some(mut machine)) => release_memory(&mut machine),
        (None, None) => {}
    }
    pid
}

/// Ends `pid` in the name of `by` and gives back what it held. It must not be the running process.
pub(crate) fn kill(by: Pid, pid: Pid) {
    if let Ok(victim) = TABLE.with(|table| table.kill_for(by, pid)) {
        killed(victim);
    }
}

/// Gives back what a process held that the table has just ended.
pub(crate) fn killed(victim: Slot) {
    let (pid, name, status) = TABLE.with(|table| {
        let process = &mut table[victim];
        release_memory(process.machine_mut());
        (process.pid(), *process.name(), process.state())
    });
    if let ProcState::Exited(status) = status {
        sched::announce_end(pid, name.as_str(), status);
    }
}

/// Gives back everything a task holds but its place in the table. It must not be running on it.
pub(crate) fn release_memory(machine: &mut Machine) {
    unmap_user_stack(machine.program.as_ref(), machine.user_stack.take());
    release_program(machine.program.take());
    machine.stack = None;
}

/// Gives back the address space of the running task, which leaves it for the kernel's own.
pub(crate) fn leave_space(machine: &mut Machine) {
    unmap_user_stack(machine.program.as_ref(), machine.user_stack.take());
    // SAFETY: the context is in the running task's stack, and nothing else refers to it now.
    unsafe { (*machine.context).cr3 = memory::kernel::root() };
    // SAFETY: the kernel's own tables map everything the kernel uses.
    unsafe { orbital_arch::cpu::load_cr3(memory::kernel::root()) };
    release_program(machine.program.take());
}

fn unmap_user_stack(program: Option<&Key>, stack: Option<StackRange>) {
    if let (Some(key), Some(stack)) = (program, stack) {
        PROGRAMS.with(|all| all[key].space.unmap_stack(stack));
    }
}

fn release_program(program: Option<Key>) {
    if let Some(key) = program {
        // The space is taken apart after the pool's lock is free again.
        drop(PROGRAMS.with(|all| all.release(key)));
    }
}
