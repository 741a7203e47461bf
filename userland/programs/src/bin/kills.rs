//! `kills`: kills a process in each state that one can be in for long: not yet started, ready, and
//! blocked in `sleep`, `read` and `task_wait`. Exits 1 when one is not in the state it must be in,
//! does not end as killed, or is still listed. `kills parent` is one of them.
#![no_std]
#![no_main]

use ulib::abi::records::CODE_KILLED;
use ulib::process::{self, Pid};
use ulib::{Args, FAILED, println};

ulib::entry!(main);

/// A process, and what the process table says when it is where it shall be killed.
struct Victim {
    arguments: &'static [&'static str],
    state: &'static str,
}

const VICTIMS: [Victim; 4] = [
    Victim { arguments: &["tiny", "yield"], state: " Ready" },
    Victim { arguments: &["tiny", "idle"], state: " Blocked(time" },
    Victim { arguments: &["stress", "read"], state: " Blocked(input" },
    Victim { arguments: &["kills", "parent"], state: " Blocked(pid" },
];

fn main(args: Args) -> i64 {
    if args.get(1) == Some("parent") {
        return parent();
    }
    let mut wrong = 0;
    for Victim { arguments, state } in VICTIMS {
        // As soon as it is there it is ready, and has not run.
        for (wanted, started) in [(" Ready", false), (state, true)] {
            let ended = match process::spawn(arguments[0], arguments) {
                Ok(pid) => end(pid, wanted, started),
                Err(errno) => Err(errno.name()),
            };
            if let Err(why) = ended {
                println!("kills: {arguments:?}{wanted}: {why}");
                wrong += 1;
            }
        }
    }
    println!("kills: {} kills, {wrong} wrong", 2 * VICTIMS.len());
    if wrong == 0 { 0 } else { FAILED }
}

/// Waits until the process has run (unless it must not) and is in that state, and kills it.
fn end(pid: Pid, state: &str, started: bool) -> Result<(), &'static str> {
    const PATIENCE: u32 = 1_000;
    let there = (0..PATIENCE).any(|_| {
        if started {
            process::yield_now();
        }
        let has_run = process::stats(pid).is_ok_and(|stats| stats.switches_voluntary > 0);
        has_run == started && is_listed(pid, state)
    });
    process::kill(pid).map_err(|errno| errno.name())?;
    if process::task_wait(pid) != Ok(CODE_KILLED) {
        return Err("it did not end as killed");
    }
    if is_listed(pid, "") {
        return Err("it is still listed");
    }
    if there { Ok(()) } else { Err("it never came to that state") }
}

/// Whether the process table has a line for `pid` with that text in it.
fn is_listed(pid: Pid, text: &str) -> bool {
    let mut buffer = [0; 4096];
    let table = process::ps(&mut buffer).unwrap_or_default();
    let lines = str::from_utf8(table).unwrap_or_default().lines();
    let mut of_pid = lines.filter(|line| {
        line.split_whitespace().next().and_then(|word| word.parse().ok()) == Some(pid)
    });
    of_pid.any(|line| line.contains(text))
}

/// Waits for a child that does not end. Both of them are the launcher's in the end.
fn parent() -> i64 {
    let child = process::spawn("tiny", &["tiny", "idle"]).unwrap_or(0);
    process::task_wait(child).unwrap_or(FAILED)
}
