//! `hog pages`: maps memory until the kernel refuses, keeps it, and tries again for ever.
//! `hog tasks`: the same with tasks.
//! `hog processes COUNT`: starts COUNT processes that sleep, says what each costs, and ends them.
//!
//! Exits 1 when the kernel refuses in another way than for want of room.
#![no_std]
#![no_main]

use core::num::NonZeroU64;

use ulib::abi::layout::{MAP_READ, MAP_WRITE, PAGE_SIZE};
use ulib::process::{self, Pid};
use ulib::{Args, Errno, FAILED, USAGE, machine, memory, println, task_entry, time};

ulib::entry!(main);

/// What `hog processes` calls the processes it starts.
const SLEEPER: &str = "sleeper";

/// Time between two attempts to get more.
const PAUSE_NANOS: u64 = 1_000_000;

/// Most processes that `hog processes` can keep in mind.
const MAX_PROCESSES: usize = 10_000;

fn main(args: Args) -> i64 {
    let done = match (args.get(1), args.number(2), args.count()) {
        (Some("pages"), _, 2) => take_for_ever(one_page),
        (Some("tasks"), _, 2) => take_for_ever(one_task),
        (Some("processes"), Some(count), 3) => processes(count),
        (Some(SLEEPER), _, 2) => return sleep_for_ever(0),
        _ => {
            println!("usage: hog pages | hog tasks | hog processes COUNT");
            return USAGE;
        }
    };
    match done {
        Ok(()) => 0,
        Err(errno) => {
            println!("hog: {}", errno.name());
            FAILED
        }
    }
}

fn one_page() -> Result<(), Errno> {
    memory::map(PAGE_SIZE, MAP_READ | MAP_WRITE).map(drop)
}

fn one_task() -> Result<(), Errno> {
    process::task_create(task_entry!(sleep_for_ever), 0).map(drop)
}

fn sleep_for_ever(_: u64) -> i64 {
    loop {
        let _ = time::sleep(u64::MAX);
    }
}

/// Gets all that it can, says how much, and goes on trying.
fn take_for_ever(mut take_one: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
    let mut count = 0_u64;
    let mut told = false;
    loop {
        match take_one() {
            Ok(()) => count += 1,
            Err(Errno::Error) if told => time::sleep(PAUSE_NANOS)?,
            Err(Errno::Error) => {
                println!("hog: refused after {count}");
                told = true;
            }
            Err(other) => return Err(other),
        }
    }
}

/// Not inlined: its pids shall not take room on the stack of a process that sleeps.
#[inline(never)]
fn processes(count: u64) -> Result<(), Errno> {
    let mut pids = [None; MAX_PROCESSES];
    let places = pids.iter_mut().zip(0..count);
    // The first one is not counted: the kernel keeps what it has read of the program.
    process::task_wait(start_and_kill()?)?;
    let free_before = machine::system()?.memory_free;
    for (place, _) in places {
        *place = Some(start()?);
    }
    let all = || pids.iter().flatten().copied();
    let alive = all().count() as u64;
    let each = NonZeroU64::new(alive).ok_or(Errno::Invalid)?;
    let system = machine::system()?;
    let cost = free_before.saturating_sub(system.memory_free) / each;
    let stats = process::stats(all().next().ok_or(Errno::Invalid)?)?;
    let own = (stats.pages - stats.pages_shared) * PAGE_SIZE;
    println!("hog: {alive} processes, {} tasks of {}", system.tasks, system.tasks_max);
    println!("hog: each {cost} bytes: {own} its own, {} of the kernel", stats.kernel_bytes);
    for pid in all() {
        process::kill(pid)?;
        process::task_wait(pid)?;
    }
    Ok(())
}

fn start_and_kill() -> Result<Pid, Errno> {
    let pid = start()?;
    process::kill(pid)?;
    Ok(pid)
}

/// Starts a process and lets it go to sleep.
fn start() -> Result<Pid, Errno> {
    let pid = process::spawn("hog", &["hog", SLEEPER])?;
    process::yield_now();
    Ok(pid)
}
