//! `tasks [COUNT]`: COUNT tasks in one address space, each on a stack of its own, each yielding
//! while it holds values there; one level deeper, a task starts and awaits a task. Exits 1 when a
//! value, a stack or an exit code is not what it must be.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use programs::Random;
use ulib::abi::layout::TASK_STACK_SIZE;
use ulib::process::{self, Pid};
use ulib::{Args, FAILED, USAGE, println, task_entry};

ulib::entry!(main);

/// Most tasks at a time.
const MAX: usize = 64;

/// How often each task yields.
const ROUNDS: u64 = 50;

/// Where each task's stack is: the address of one of its variables.
static STACKS: [AtomicU64; MAX] = [const { AtomicU64::new(0) }; MAX];

/// How many tasks work, or will not.
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// How many tasks wait for each other before they work.
static EXPECTED: AtomicUsize = AtomicUsize::new(0);

/// What a task returns when a value on its stack has changed.
const DAMAGED: i64 = -1;

fn main(args: Args) -> i64 {
    let count = match args.count() {
        0 | 1 => Some(4),
        2 => args.get(1).and_then(|text| text.parse().ok()),
        _ => None,
    };
    let Some(count @ 1..=MAX) = count else {
        println!("usage: tasks [COUNT] (1 to {MAX})");
        return USAGE;
    };
    EXPECTED.store(count, Ordering::Relaxed);
    let mut pids = [0; MAX];
    for (index, pid) in pids.iter_mut().take(count).enumerate() {
        match process::task_create(task_entry!(nested), index as u64) {
            Ok(new) => *pid = new,
            Err(errno) => {
                println!("tasks: task {index} refused: {}", errno.name());
                // The tasks made so far outlive this one, and must not wait for more.
                EXPECTED.store(0, Ordering::Relaxed);
                return FAILED;
            }
        }
    }
    let mut right = true;
    for (index, &pid) in pids.iter().take(count).enumerate() {
        right &= ended_well(index as u64, pid);
    }
    right &= stacks_are_apart(count);
    println!(
        "tasks: {count} tasks, {ROUNDS} rounds: {}",
        if right { "all right" } else { "wrong" }
    );
    if right { 0 } else { FAILED }
}

/// Awaits the task of `index`: its exit code tells that all went well, and which task it was.
fn ended_well(index: u64, pid: Pid) -> bool {
    let ended = process::task_wait(pid);
    let right = ended == Ok(code(index));
    if !right {
        println!("tasks: task {index}, pid {pid}, ended with {ended:?}");
    }
    right
}

/// The exit code of the task of `index`; more than 32 bits, so that a truncation shows.
fn code(index: u64) -> i64 {
    (index << 33 | index).cast_signed()
}

/// A task that has the work done by a task of its own.
fn nested(index: u64) -> i64 {
    match process::task_create(task_entry!(work), index).and_then(process::task_wait) {
        Ok(code) => code,
        Err(errno) => {
            ARRIVED.fetch_add(1, Ordering::Relaxed);
            errno.code()
        }
    }
}

/// Holds changing values on the stack across many yields.
fn work(index: u64) -> i64 {
    let mut random = Random::new(index);
    let mut values = [0_u64; 64];
    if let Ok(index) = usize::try_from(index) {
        STACKS[index].store(values.as_ptr().expose_provenance() as u64, Ordering::Relaxed);
    }
    // Nobody ends, and leaves a stack to others, before everybody has one.
    ARRIVED.fetch_add(1, Ordering::Relaxed);
    while ARRIVED.load(Ordering::Relaxed) < EXPECTED.load(Ordering::Relaxed) {
        process::yield_now();
    }
    for _ in 0..ROUNDS {
        let mut again = Random::new(random.next());
        values.fill_with(|| again.next());
        let sum = values.iter().fold(0, |sum: u64, value| sum.wrapping_add(*value));
        process::yield_now();
        // The compiler cannot know that nobody changed them.
        let values = core::hint::black_box(&values);
        if values.iter().fold(0, |sum: u64, value| sum.wrapping_add(*value)) != sum {
            return DAMAGED;
        }
    }
    code(index)
}

/// Two stacks in use at a time are at least a stack's size apart.
fn stacks_are_apart(count: usize) -> bool {
    let stacks = STACKS[..count].iter().map(|stack| stack.load(Ordering::Relaxed));
    for (index, one) in stacks.clone().enumerate() {
        if let Some(other) =
            stacks.clone().skip(index + 1).find(|&s| s.abs_diff(one) < TASK_STACK_SIZE)
        {
            println!("tasks: stacks at {one:#x} and {other:#x} overlap");
            return false;
        }
    }
    true
}
