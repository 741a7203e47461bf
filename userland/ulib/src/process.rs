//! Processes and tasks: starting, ending, waiting, yielding, and looking at them.

use orbital_abi::Errno;
use orbital_abi::layout::SPAWN_MAX;
use orbital_abi::records::Stats;

use crate::{io, sys};

/// Identity of a process or task. Never used twice while the machine runs.
pub type Pid = u64;

/// Ends the calling task. Other tasks of the program run on.
pub fn exit(code: i64) -> ! {
    loop {
        // SAFETY: the call touches no memory of the program, and does not return.
        unsafe { sys::exit(code) };
    }
}

/// The caller's own pid.
#[must_use]
pub fn getpid() -> Pid {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::getpid() }).unwrap_or(0)
}

/// Lets the next ready task run.
#[inline]
pub fn yield_now() {
    // SAFETY: the call touches no memory of the program.
    unsafe { sys::yield_now() };
}

/// Lets every task that is ready now run once, and returns how many those were.
///
/// # Errors
///
/// `NotImplemented` on a kernel without the call.
pub fn run_ready() -> Result<u64, Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::run_ready() })
}

/// Starts a program of the ramdisk. `args` are its arguments, its own name first.
///
/// # Errors
///
/// `NotFound` when there is no such program, `Invalid` when the arguments are longer than
/// `abi::layout::SPAWN_MAX` or one holds a NUL, `Error` when the kernel has no room for it.
pub fn spawn(name: &str, args: &[&str]) -> Result<Pid, Errno> {
    const CAPACITY: usize = 4096;
    const _: () = assert!(CAPACITY as u64 == SPAWN_MAX, "what fits here is what fits there");
    let mut block = [0; CAPACITY];
    let mut used = 0;
    for arg in args {
        let end = used + arg.len();
        // One byte more than the argument: its NUL is there already.
        if end >= CAPACITY || arg.as_bytes().contains(&0) {
            return Err(Errno::Invalid);
        }
        block[used..end].copy_from_slice(arg.as_bytes());
        used = end + 1;
    }
    spawn_block(name, &block[..used])
}

/// Starts a program of the ramdisk with arguments that are already in the form the kernel takes:
/// NUL-terminated strings, one after the other, the program's own name first.
///
/// # Errors
///
/// As [`spawn`].
pub fn spawn_block(name: &str, block: &[u8]) -> Result<Pid, Errno> {
    let name = name.as_bytes();
    // SAFETY: the call only reads the program's memory.
    let raw = unsafe {
        sys::spawn(io::address(name), io::length(name), io::address(block), io::length(block))
    };
    sys::check(raw)
}

/// Ends a descendant.
///
/// # Errors
///
/// `NotFound` when it does not exist (any more), `PermissionDenied` when it is no descendant.
pub fn kill(pid: Pid) -> Result<(), Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::kill(pid) }).map(drop)
}

/// Waits until a descendant has ended and returns how: its exit code, or one of
/// `abi::records::CODE_*`. That can be asked once.
///
/// # Errors
///
/// `NotFound`, `PermissionDenied` or `Invalid` when there is nothing to wait for.
pub fn task_wait(pid: Pid) -> Result<i64, Errno> {
    let mut status = 0_i64;
    let address = (&raw mut status).expose_provenance() as u64;
    // SAFETY: the call writes one i64 to `status`, which outlives it.
    sys::check(unsafe { sys::task_wait(pid, address) })?;
    Ok(status)
}

/// Fills `buffer` with as many whole lines of the process table as fit.
///
/// # Errors
///
/// None that a valid buffer can cause.
pub fn ps(buffer: &mut [u8]) -> Result<&[u8], Errno> {
    // SAFETY: the call writes only into `buffer`, which is borrowed mutably.
    let count = sys::check(unsafe { sys::ps(io::address_mut(buffer), io::length(buffer)) })?;
    let count = io::filled(count, buffer);
    Ok(&buffer[..count])
}

/// The counters of a task.
///
/// # Errors
///
/// `NotFound` when there is no such task, `NotImplemented` on a kernel that does not count.
pub fn stats(pid: Pid) -> Result<Stats, Errno> {
    let mut stats = Stats::default();
    let address = (&raw mut stats).expose_provenance() as u64;
    // SAFETY: the call writes one `Stats`, all of whose bit patterns are valid, to `stats`.
    sys::check(unsafe { sys::stats(pid, address) })?;
    Ok(stats)
}

/// Asks for, or sets, the scheduling policy and quantum, or a task's weight: `abi::sched` has the
/// operations, and takes the result apart.
///
/// # Errors
///
/// `Invalid` for what the kernel does not have, `PermissionDenied` without authority.
pub fn sched(operation: u64, value: u64, pid: u64) -> Result<u64, Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::sched(operation, value, pid) })
}

/// A function that a new task can start in; made by [`task_entry!`](crate::task_entry).
#[derive(Clone, Copy)]
pub struct TaskEntry(extern "C" fn() -> !);

impl TaskEntry {
    /// Vouches for a naked entry point.
    ///
    /// # Safety
    ///
    /// `entry` must be code for a task's first instruction: it finds its argument in rdi, an empty
    /// stack of its own at rsp, and never returns.
    #[must_use]
    pub const unsafe fn new(entry: extern "C" fn() -> !) -> Self {
        Self(entry)
    }

    /// Where it lies, as the call wants it.
    #[must_use]
    pub fn address(self) -> u64 {
        (self.0 as *const ()).expose_provenance() as u64
    }
}

/// The [`TaskEntry`] that runs a `fn(u64) -> i64` and exits with what it returns.
#[macro_export]
macro_rules! task_entry {
    ($main:path) => {{
        extern "C" fn enter(arg: u64) -> ! {
            const MAIN: fn(u64) -> i64 = $main;
            $crate::process::exit(MAIN(arg))
        }
        /// Where the kernel starts the task: the root of its backtrace. The kernel leaves rsp as
        /// if a call had just been made; the call here wants it as before one.
        #[unsafe(naked)]
        extern "C" fn task_start() -> ! {
            core::arch::naked_asm!(
                ".cfi_startproc",
                ".cfi_undefined rip",
                "xor ebp, ebp",
                "and rsp, {alignment}",
                "call {enter}",
                "ud2",
                ".cfi_endproc",
                alignment = const -16,
                enter = sym enter,
            )
        }
        // SAFETY: `task_start` expects rdi and rsp just so, and `enter` does not return.
        unsafe { $crate::process::TaskEntry::new(task_start) }
    }};
}

/// Starts a task in the caller's address space, on a stack of its own.
///
/// # Errors
///
/// `Error` when the kernel has no room for it.
pub fn task_create(entry: TaskEntry, arg: u64) -> Result<Pid, Errno> {
    // SAFETY: `entry` upholds the rules for a task's first function, by the contract of `new`.
    sys::check(unsafe { sys::task_create(entry.address(), arg) })
}
