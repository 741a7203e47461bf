//! `naps SECONDS MILLIS`: sleeps MILLIS milliseconds at a time until SECONDS seconds have passed.
//! Exits 1 when the clock goes back, a sleep is shorter than it must be, or one is a second longer.
#![no_std]
#![no_main]

use ulib::abi::layout::NANOS_PER_SEC;
use ulib::{Args, Errno, FAILED, USAGE, println, time};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let (Some(seconds), Some(millis), 3) = (args.number(1), args.number(2), args.count()) else {
        println!("usage: naps SECONDS MILLIS");
        return USAGE;
    };
    match nap(seconds.saturating_mul(NANOS_PER_SEC), millis.saturating_mul(1_000_000)) {
        Ok((naps, longest)) => {
            println!("naps: {naps} naps in {seconds} s, at most {longest} ns too long");
            if longest < NANOS_PER_SEC { 0 } else { FAILED }
        }
        Err(errno) => {
            println!("naps: {}", errno.name());
            FAILED
        }
    }
}

/// How many naps it took, and by how much the worst was too long.
fn nap(total: u64, length: u64) -> Result<(u64, u64), Errno> {
    let start = time::clock()?;
    let (mut before, mut naps, mut longest) = (start, 0, 0);
    while before - start < total {
        time::sleep(length)?;
        let now = time::clock()?;
        // A clock that goes back, or a sleep that is too short, ends the program here.
        let slept = now.checked_sub(before).ok_or(Errno::Error)?;
        longest = longest.max(slept.checked_sub(length).ok_or(Errno::Error)?);
        naps += 1;
        before = now;
    }
    Ok((naps, longest))
}
