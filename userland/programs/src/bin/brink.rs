//! `brink [seeded]`: tasks that lose the CPU at a chosen instruction. Each lets a slice of nearly its
//! length pass, then calls, gives way, faults, or ends; the slice is of the shortest quantum, of one
//! nanosecond more, of two, .., so that where an instruction takes one (QEMU's `-icount shift=0`) it
//! ends at each instruction of what the task does, and of what the kernel does about it. With `seeded`
//! the same tasks, and a process, run under the policy of that name: many of its slices are over where
//! they begin, at the first instruction of all or behind a call. What a call must keep is checked.
//! Exits 1 after naming the first task that ends otherwise than it must.
//!
//! Chooses the policy, so it must be the first process of its session.
#![no_std]
#![no_main]

use core::arch::naked_asm;

use ulib::abi::Sysno;
use ulib::abi::records::CODE_FAULTED;
use ulib::abi::sched::{POLICIES, QUANTUM_MIN};
use ulib::process::{self, Pid, TaskEntry};
use ulib::{Errno, FAILED, USAGE, println};

ulib::entry!(main);

/// A slice may end so many nanoseconds after the shortest: what a task does comes later than that
/// after it got the CPU, and is done, with the switches it leads to, in less.
const REACH: u64 = 600;

/// The same of a task for which a page is made meanwhile.
const PAGE_REACH: u64 = 1800;

/// Rounds of a loop of two instructions, which fill most of the shortest slice.
const ROUNDS: u64 = QUANTUM_MIN / 2;

/// How often `seeded` runs each task.
const REPEATS: u64 = 100;

/// What a task exits with whose registers are as they were.
const KEPT: i64 = 1 + 2 + 4 + 8 + 16 + 32;

/// What a task does at the end of its slice, and how it ends.
struct Path {
    name: &'static str,
    entry: extern "C" fn() -> !,
    code: i64,
    reach: u64,
}

/// Waits for most of the shortest slice.
macro_rules! wait {
    () => {
        "mov ecx, {rounds}
         2:
         dec ecx
         jnz 2b"
    };
}

/// Makes the tasks of what they do after they waited.
macro_rules! paths {
    ($($name:literal $function:ident [$($then:expr),+] $code:expr, $reach:expr;)+) => {
        $(
            #[unsafe(naked)]
            #[unsafe(export_name = concat!("brink_", $name))]
            extern "C" fn $function() -> ! {
                naked_asm!(
                    ".cfi_startproc",
                    ".cfi_undefined rip",
                    wait!(),
                    "mov ebx, 1",
                    "mov ebp, 2",
                    "mov r12d, 4",
                    "mov r13d, 8",
                    "mov r14d, 16",
                    "mov r15d, 32",
                    $($then,)+
                    "lea rdi, [rbx + rbp]",
                    "add rdi, r12",
                    "add rdi, r13",
                    "add rdi, r14",
                    "add rdi, r15",
                    "mov eax, {exit}",
                    "syscall",
                    ".cfi_endproc",
                    rounds = const ROUNDS,
                    exit = const Sysno::Exit.number(),
                )
            }
        )+
        const PATHS: &[Path] = &[$(Path { name: $name, entry: $function, code: $code, reach: $reach }),+];
    };
}

paths! {
    "call" call ["mov eax, 7", "syscall"] KEPT, REACH;
    // Who gave way has a new slice, so waits anew.
    "yield" gives_way ["mov eax, 12", "syscall", wait!()] KEPT, REACH;
    // Suspended in the midst of the kernel.
    "run_ready" runs_ready ["mov eax, 11", "syscall", wait!()] KEPT, REACH;
    // With a selector of its own, which a switch must exchange.
    "selector" selector ["mov ecx, ss", "mov ds, ecx", "mov eax, 12", "syscall", wait!()] KEPT, REACH;
    // A page that is promised, two below the one in use.
    "touch" touch ["mov byte ptr [rsp - 8192], 1"] KEPT, PAGE_REACH;
    "read" read_null ["mov al, [0]"] CODE_FAULTED + 14, REACH;
    "ud2" invalid ["ud2"] CODE_FAULTED + 6, REACH;
}

fn main(args: ulib::Args) -> i64 {
    let run = match (args.get(1), args.count()) {
        (None, 1) => one_by_one,
        (Some("seeded"), 2) => seeded,
        _ => {
            println!("usage: brink [seeded]");
            return USAGE;
        }
    };
    match run() {
        Ok(tasks) => {
            println!("brink: {tasks} tasks as they must be");
            0
        }
        Err(Failure::Call(errno)) => {
            println!("brink: {}", errno.name());
            FAILED
        }
        Err(Failure::Ended { name, code, must_be }) => {
            println!("brink: {name} ended with {code}, must be {must_be}");
            FAILED
        }
    }
}

enum Failure {
    Call(Errno),
    /// A task ended with another code than it must.
    Ended {
        name: &'static str,
        code: i64,
        must_be: i64,
    },
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        Self::Call(errno)
    }
}

/// Runs every task with every slice; how many there were.
fn one_by_one() -> Result<u64, Failure> {
    // Somebody must be ready, or no slice ends; in an address space of its own.
    let other = process::spawn("tiny", &["tiny", "yield"])?;
    let mut tasks = 0;
    for path in PATHS {
        for more in 0..path.reach {
            choose("round-robin", QUANTUM_MIN + more)?;
            path.run()?;
            tasks += 1;
        }
    }
    end(other)?;
    Ok(tasks)
}

/// Runs every task, and a process, with slices at random; how many there were.
fn seeded() -> Result<u64, Failure> {
    let other = process::spawn("tiny", &["tiny", "yield"])?;
    choose("seeded", QUANTUM_MIN)?;
    let mut tasks = 0;
    for _ in 0..REPEATS {
        for path in PATHS {
            path.run()?;
            tasks += 1;
        }
        ended("tiny", process::spawn("tiny", &["tiny"])?, 0)?;
        tasks += 1;
    }
    end(other)?;
    Ok(tasks)
}

fn choose(name: &str, quantum: u64) -> Result<(), Errno> {
    let place = POLICIES.iter().position(|policy| *policy == name).ok_or(Errno::NotFound)?;
    process::sched(place as u64 + 1, quantum, 0).map(drop)
}

impl Path {
    /// Runs the task.
    fn run(&self) -> Result<(), Failure> {
        // SAFETY: made for that: it uses no stack but below rsp, and ends by itself.
        let entry = unsafe { TaskEntry::new(self.entry) };
        ended(self.name, process::task_create(entry, 0)?, self.code)
    }
}

/// Waits for a task, which must end with that code.
fn ended(name: &'static str, pid: Pid, must_be: i64) -> Result<(), Failure> {
    let code = process::task_wait(pid)?;
    if code == must_be { Ok(()) } else { Err(Failure::Ended { name, code, must_be }) }
}

/// Ends a process.
fn end(pid: Pid) -> Result<(), Errno> {
    process::kill(pid)?;
    process::task_wait(pid).map(drop)
}
