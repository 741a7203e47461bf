//! `brink`: tasks that lose the CPU at a chosen instruction. Each lets a slice of nearly its length
//! pass, then calls, gives way, faults, or ends; the slice is of the shortest quantum, of one
//! nanosecond more, of two, .., so that where an instruction takes one (QEMU's `-icount shift=0`) it
//! ends at each instruction of what the task does, and of what the kernel does about it. What a
//! call must keep is checked. Exits 1 after naming the first task that ends otherwise than it must.
//!
//! Chooses the policy, so it must be the first process of its session.
#![no_std]
#![no_main]

use core::arch::naked_asm;

use ulib::abi::Sysno;
use ulib::abi::records::CODE_FAULTED;
use ulib::abi::sched::{POLICIES, QUANTUM_MIN};
use ulib::process::{self, TaskEntry};
use ulib::{Errno, FAILED, println};

ulib::entry!(main);

/// A slice may end so many nanoseconds after the shortest: what each task does comes later than that
/// after it got the CPU, and is done, with the switches it leads to, in less.
const REACH: u64 = 600;

/// Rounds of a loop of two instructions, which fill most of the shortest slice.
const ROUNDS: u64 = QUANTUM_MIN / 2;

/// What a task exits with whose registers are as they were.
const KEPT: i64 = 1 + 2 + 4 + 8 + 16 + 32;

/// What a task does at the end of its slice, and how it ends.
struct Path {
    name: &'static str,
    entry: extern "C" fn() -> !,
    code: i64,
}

/// Makes the tasks of what they do before they wait, and after.
macro_rules! paths {
    ($($name:literal $function:ident [$($first:literal),*] [$($then:literal),+] $code:expr;)+) => {
        $(
            #[unsafe(naked)]
            #[unsafe(export_name = concat!("brink_", $name))]
            extern "C" fn $function() -> ! {
                naked_asm!(
                    ".cfi_startproc",
                    ".cfi_undefined rip",
                    $($first,)*
                    "mov ebx, 1",
                    "mov ebp, 2",
                    "mov r12d, 4",
                    "mov r13d, 8",
                    "mov r14d, 16",
                    "mov r15d, 32",
                    "mov ecx, {rounds}",
                    "2:",
                    "dec ecx",
                    "jnz 2b",
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
        const PATHS: &[Path] = &[$(Path { name: $name, entry: $function, code: $code }),+];
    };
}

paths! {
    "call" call [] ["mov eax, 7", "syscall"] KEPT;
    "yield" gives_way [] ["mov eax, 12", "syscall"] KEPT;
    // Suspended in the midst of the kernel.
    "run_ready" runs_ready [] ["mov eax, 11", "syscall"] KEPT;
    // With a selector of its own, which a switch must exchange.
    "selector" selector ["mov ecx, ss", "mov ds, ecx"] ["mov eax, 12", "syscall"] KEPT;
    // A page that is promised, two below the one in use.
    "touch" touch [] ["mov byte ptr [rsp - 8192], 1"] KEPT;
    "read" read_null [] ["mov al, [0]"] CODE_FAULTED + 14;
    "ud2" invalid [] ["ud2"] CODE_FAULTED + 6;
}

fn main(_: ulib::Args) -> i64 {
    match sweep() {
        Ok(Some(tasks)) => {
            println!("brink: {tasks} tasks as they must be");
            0
        }
        Ok(None) => FAILED,
        Err(errno) => {
            println!("brink: {}", errno.name());
            FAILED
        }
    }
}

/// Runs every task with every slice; how many there were, if all ended well.
fn sweep() -> Result<Option<u64>, Errno> {
    // Somebody must be ready, or no slice ends; in an address space of its own.
    let other = process::spawn("tiny", &["tiny", "yield"])?;
    let policy = POLICIES.iter().position(|policy| *policy == "round-robin");
    let policy = policy.map_or(0, |index| index as u64 + 1);
    let mut tasks = 0;
    for Path { name, entry, code } in PATHS {
        // SAFETY: made for that: it uses no stack but below rsp, and ends by itself.
        let entry = unsafe { TaskEntry::new(*entry) };
        for more in 0..REACH {
            process::sched(policy, QUANTUM_MIN + more, 0)?;
            let ended = process::task_create(entry, 0).and_then(process::task_wait)?;
            if ended != *code {
                println!("brink: {name} ended with {ended}, must be {code}, {more} ns more");
                return Ok(None);
            }
            tasks += 1;
        }
    }
    process::kill(other)?;
    process::task_wait(other)?;
    Ok(Some(tasks))
}
