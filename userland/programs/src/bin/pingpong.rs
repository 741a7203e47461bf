//! `pingpong [ROUNDS]`: two tasks of one address space pass a ball by yielding, ROUNDS times there
//! and back. Exits 1 if the ball came back too early or too late.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};

use ulib::{Args, FAILED, USAGE, println, process, task_entry};

ulib::entry!(main);

/// How often the ball was hit; even means that it is ping's turn.
static HITS: AtomicU64 = AtomicU64::new(0);

fn main(args: Args) -> i64 {
    let rounds = match args.count() {
        0 | 1 => Some(3),
        2 => args.number(1),
        _ => None,
    };
    let Some(rounds) = rounds.filter(|rounds| rounds.checked_mul(2).is_some()) else {
        println!("usage: pingpong [ROUNDS]");
        return USAGE;
    };
    let pong = match process::task_create(task_entry!(pong), rounds) {
        Ok(pong) => pong,
        Err(errno) => {
            println!("pingpong: task_create: {}", errno.name());
            return FAILED;
        }
    };
    play("ping", 0, rounds);
    let ended = process::task_wait(pong);
    if ended == Ok(0) && HITS.load(Ordering::Relaxed) == 2 * rounds {
        return 0;
    }
    println!("pingpong: the ball was lost");
    FAILED
}

fn pong(rounds: u64) -> i64 {
    play("pong", 1, rounds);
    0
}

/// Hits the ball `rounds` times, whenever the number of hits is `parity` modulo 2.
fn play(sound: &str, parity: u64, rounds: u64) {
    for round in 1..=rounds {
        while HITS.load(Ordering::Acquire) % 2 != parity {
            process::yield_now();
        }
        println!("{sound} {round}");
        HITS.fetch_add(1, Ordering::Release);
    }
}
