//! `exitcode CODE`: exits with CODE, any 64-bit number.
#![no_std]
#![no_main]

use ulib::{Args, USAGE, println};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let code = args.get(1).and_then(|text| text.parse().ok());
    match (code, args.count()) {
        (Some(code), 2) => code,
        _ => {
            println!("usage: exitcode CODE");
            USAGE
        }
    }
}
