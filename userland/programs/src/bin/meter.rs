//! `meter TIME [WEIGHT]`: computes for TIME, from the next full second of the clock on, and says how
//! many turns of [`TURN`] instructions it came to. Two that run side by side so share one stretch of
//! time, and what they got of it is what the policy gave them.
#![no_std]
#![no_main]

use core::arch::asm;

use ulib::abi::duration::{self, Shown};
use ulib::abi::layout::NANOS_PER_SEC;
use ulib::abi::sched::SET_WEIGHT;
use ulib::{Args, Errno, USAGE, println, process, time};

ulib::entry!(main);

/// Instructions of a turn.
const TURN: u64 = 200_000;

fn main(args: Args) -> i64 {
    let length = args.get(1).and_then(duration::parse);
    let weight = args.number(2);
    let (Some(length), 2 | 3) = (length, args.count()) else {
        println!("usage: meter TIME [WEIGHT]");
        return USAGE;
    };
    match measure(length, weight) {
        Ok(turns) => {
            println!("meter: {turns} turns of {TURN} instructions in {}", Shown(length));
            0
        }
        Err(errno) => errno.code(),
    }
}

fn measure(length: u64, weight: Option<u64>) -> Result<u64, Errno> {
    if let Some(weight) = weight {
        process::sched(SET_WEIGHT, weight, process::getpid())?;
    }
    let now = time::clock()?;
    time::sleep(NANOS_PER_SEC - now % NANOS_PER_SEC)?;
    let end = (time::clock()? / NANOS_PER_SEC) * NANOS_PER_SEC + length;
    let mut turns = 0;
    while time::clock()? < end {
        turn();
        turns += 1;
    }
    Ok(turns)
}

/// Takes two instructions for each count.
fn turn() {
    // SAFETY: counts a register down to zero.
    unsafe {
        asm!(
            "2:",
            "dec {count}",
            "jnz 2b",
            count = inout(reg) TURN / 2 => _,
            options(nomem, nostack),
        );
    }
}
