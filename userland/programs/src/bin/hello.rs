//! `hello [TEXT..]`: prints its arguments, or "hello" when it has none. The smallest program.
#![no_std]
#![no_main]

use core::fmt::Write as _;

use ulib::Args;
use ulib::io::Stdout;

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let mut out = Stdout::new();
    let mut words = args.rest();
    let _ = out.write_str(words.next().unwrap_or("hello"));
    for word in words {
        let _ = write!(out, " {word}");
    }
    let _ = out.write_char('\n');
    0
}
