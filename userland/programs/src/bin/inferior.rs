//! `inferior CODE ROUNDS`: something to look at for a debugger. Several of them have different values
//! at the same address, and yield at the end of the same calls. Ends with CODE, unless somebody
//! changes the register in which [`hold`] keeps it.
#![no_std]
#![no_main]

use core::arch::asm;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use ulib::abi::Sysno;
use ulib::{Args, USAGE, println, process};

ulib::entry!(main);

/// 1000 times CODE and the number of the round.
static COUNTER: AtomicU64 = AtomicU64::new(0);

fn main(args: Args) -> i64 {
    let (Some(code), Some(rounds), 3) = (args.number(1), args.number(2), args.count()) else {
        println!("usage: inferior CODE ROUNDS");
        return USAGE;
    };
    black_box(&COUNTER);
    for round in 0..rounds {
        middle(code, round);
    }
    hold(code).cast_signed()
}

#[inline(never)]
fn middle(code: u64, round: u64) {
    leaf(code, round);
    black_box((code, round));
}

#[inline(never)]
fn leaf(code: u64, round: u64) {
    COUNTER.store(1000 * code + round, Ordering::Relaxed);
    pause();
    black_box((code, round));
}

#[inline(never)]
fn pause() {
    process::yield_now();
}

/// Yields once with `value` in r15, and returns what is there then.
#[inline(never)]
fn hold(value: u64) -> u64 {
    let kept;
    // SAFETY: the call takes no argument and changes rax, rcx and r11 alone.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") Sysno::Yield as u64 => _,
            inlateout("r15") value => kept,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    kept
}
