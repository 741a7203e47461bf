//! `spin [SECONDS]`: computes and never yields, for ever or for SECONDS. On a cooperative kernel
//! nobody else runs meanwhile; on a preemptive one everybody does.
#![no_std]
#![no_main]

use core::hint;

use ulib::{Args, USAGE, println, time};

ulib::entry!(main);

/// Turns between two looks at the clock.
const TURNS: u32 = 100_000;

fn main(args: Args) -> i64 {
    let seconds = match (args.number(1), args.count()) {
        (_, 0 | 1) => None,
        (Some(seconds), 2) => Some(seconds),
        _ => {
            println!("usage: spin [SECONDS]");
            return USAGE;
        }
    };
    let start = time::uptime();
    loop {
        for turn in 0..TURNS {
            // Not `spin_loop`: that tells the CPU to wait.
            hint::black_box(turn);
        }
        if let Some(seconds) = seconds
            && time::uptime() - start >= seconds
        {
            return 0;
        }
    }
}
