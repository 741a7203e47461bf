//! `tiny [yield | nap | idle | spin]`: the smallest useful program. It exits at once, yields for
//! ever, sleeps 50 us at a time, sleeps for ever, or is busy until it has lost the CPU and got it
//! back, and exits with the time-stamp counter of that moment.
#![no_std]
#![no_main]

use core::arch::x86_64::_rdtsc;

use ulib::{Args, USAGE, process, time};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    match args.get(1) {
        None => 0,
        Some("yield") => loop {
            process::yield_now();
        },
        Some("nap") => loop {
            // A kernel without a timer makes this a busy loop, which the caller notices.
            let _ = time::sleep(50_000);
        },
        Some("idle") => loop {
            let _ = time::sleep(u64::MAX);
        },
        Some("spin") => spin(),
        Some(_) => USAGE,
    }
}

/// Watches the clock until it jumps by more than a few instructions can explain; 0 if nobody takes the
/// CPU for long.
fn spin() -> i64 {
    const LONG: u64 = 1 << 28;
    // SAFETY: reading the counter has no effect.
    let now = || unsafe { _rdtsc() };
    let begun = now();
    let mut last = begun;
    loop {
        let this = now();
        // Without `-icount` a look costs hundreds of ticks, and a slice of somebody else millions.
        if this - last > 50_000 {
            return this.cast_signed();
        }
        if this - begun > LONG {
            return 0;
        }
        last = this;
    }
}
