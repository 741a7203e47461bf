//! `inferior CODE ROUNDS [STAY]`: something to look at for a debugger. Several of them have different
//! values at the same address, and yield at the end of the same calls. Ends with CODE, unless somebody
//! changes the register in which [`hold`] keeps it. With a STAY other than 0 it stays where it first
//! yields, whoever else runs and however often, until somebody changes [`STAY`] to 0.
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

/// Whether to yield again and again in the same place.
static STAY: AtomicU64 = AtomicU64::new(0);

fn main(args: Args) -> i64 {
    let stay = if args.count() == 4 { args.number(3) } else { Some(0) };
    let (Some(code), Some(rounds), Some(stay), 3..=4) =
        (args.number(1), args.number(2), stay, args.count())
    else {
        println!("usage: inferior CODE ROUNDS [STAY]");
        return USAGE;
    };
    black_box(&COUNTER);
    STAY.store(stay, Ordering::Relaxed);
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
    while STAY.load(Ordering::Relaxed) != 0 {
        process::yield_now();
    }
}

/// Yields with `value` in r15, once or for as long as it is to stay, and returns what is there then.
#[inline(never)]
fn hold(value: u64) -> u64 {
    let kept;
    // SAFETY: the call takes no argument and changes rax, rcx and r11 alone.
    unsafe {
        asm!(
            "2:",
            "mov eax, {call}",
            "syscall",
            "cmp qword ptr [{stay}], 0",
            "jne 2b",
            call = const Sysno::Yield as u64,
            stay = in(reg) &raw const STAY,
            inlateout("r15") value => kept,
            out("rax") _,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    kept
}
