//! `crowd COUNT`: keeps COUNT processes alive at once, blocked, each after it has run; says what
//! each takes of the machine's memory, and ends them all. Exits 1 when one could not be started, did
//! not run, or did not end as killed.
#![no_std]
#![no_main]

use ulib::abi::records::CODE_KILLED;
use ulib::process::{self, Pid};
use ulib::{Args, Errno, FAILED, USAGE, machine, println};

ulib::entry!(main);

/// Most processes.
const MAX: usize = 10_000;

fn main(args: Args) -> i64 {
    let count = args.number(1).and_then(|count| usize::try_from(count).ok());
    let (Some(count @ 1..=MAX), 2) = (count, args.count()) else {
        println!("usage: crowd COUNT (1 to {MAX})");
        return USAGE;
    };
    let mut pids = [0; MAX];
    match crowd(&mut pids[..count]) {
        Ok(bytes) => println!("crowd: {count} alive, {bytes} bytes each"),
        Err(errno) => println!("crowd: {}", errno.name()),
    }
    let started = pids.iter().take_while(|&&pid| pid != 0);
    let ended = started.filter(|&&pid| end(pid)).count();
    println!("crowd: {ended} ended");
    if ended == count { 0 } else { FAILED }
}

/// Starts them all and waits until each is blocked; how many bytes of memory one takes.
fn crowd(pids: &mut [Pid]) -> Result<u64, Errno> {
    let before = machine::system()?;
    for pid in &mut *pids {
        *pid = process::spawn("tiny", &["tiny", "idle"])?;
    }
    while !pids.iter().all(|&pid| has_run(pid)) {
        process::yield_now();
    }
    let after = machine::system()?;
    let taken = before.memory_free.saturating_sub(after.memory_free);
    Ok(taken / pids.len() as u64)
}

/// Whether a process has been on the CPU and left it.
fn has_run(pid: Pid) -> bool {
    process::stats(pid).is_ok_and(|stats| stats.switches_voluntary > 0)
}

fn end(pid: Pid) -> bool {
    process::kill(pid).is_ok() && process::task_wait(pid) == Ok(CODE_KILLED)
}
