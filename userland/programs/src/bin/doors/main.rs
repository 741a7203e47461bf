//! `doors`: tries every door to the kernel but the one that is meant to be used: each `int n`, ports,
//! selectors, and `syscall` with prefixes before it. Exits 1 after one line for each that is open.
//!
//! What must fault is tried by a task of its own, whose exit code tells the fault.
#![no_std]
#![no_main]

mod ports;
mod prefixed;
mod selectors;
mod vectors;

use ulib::abi::records::CODE_FAULTED;
use ulib::process::{self, TaskEntry};
use ulib::{Args, FAILED, println};

ulib::entry!(main);

/// Exit codes of a task that a fault ended.
const INVALID_OPCODE: i64 = CODE_FAULTED + 6;
const GENERAL_PROTECTION: i64 = CODE_FAULTED + 13;

fn main(_args: Args) -> i64 {
    let mut tally = Tally::default();
    vectors::try_all(&mut tally);
    ports::try_all(&mut tally);
    selectors::try_all(&mut tally);
    prefixed::try_all(&mut tally);
    let Tally { tried, open } = tally;
    println!("doors: {tried} tried, {open} open");
    if open == 0 { 0 } else { FAILED }
}

/// How many doors there were.
#[derive(Default)]
struct Tally {
    tried: u32,
    open: u32,
}

impl Tally {
    /// Counts a door, and prints it if it is not `shut`.
    fn count(&mut self, shut: bool, what: &str, which: u64, got: i64) {
        self.tried += 1;
        if !shut {
            println!("doors: {what} {which:#x}: {got}");
            self.open += 1;
        }
    }
}

/// How a task ended that did something.
fn ending_of(task: TaskEntry, argument: u64) -> i64 {
    match process::task_create(task, argument).and_then(process::task_wait) {
        Ok(code) => code,
        Err(errno) => errno.code(),
    }
}
