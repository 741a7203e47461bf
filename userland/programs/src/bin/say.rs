//! `say TEXT COUNT`: COUNT times prints TEXT and yields. Two of them side by side take strict turns
//! on a cooperative kernel: `say hello 10` beside `say world 10` is the picture of a context switch.
#![no_std]
#![no_main]

use ulib::{Args, USAGE, println, process};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let (Some(text), Some(count), 3) = (args.get(1), args.number(2), args.count()) else {
        println!("usage: say TEXT COUNT");
        return USAGE;
    };
    for _ in 0..count {
        println!("{text}");
        process::yield_now();
    }
    0
}
