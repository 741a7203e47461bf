//! `sleep TIME`: lets TIME pass: seconds, or a number with a unit, such as `10ms`.
#![no_std]
#![no_main]

use ulib::abi::duration;
use ulib::abi::layout::NANOS_PER_SEC;
use ulib::{Args, FAILED, USAGE, println, time};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let seconds = args.number(1).and_then(|seconds: u64| seconds.checked_mul(NANOS_PER_SEC));
    let nanos = seconds.or_else(|| duration::parse(args.get(1)?));
    let (Some(nanos), 2) = (nanos, args.count()) else {
        println!("usage: sleep TIME (seconds, or with a unit: 10ms)");
        return USAGE;
    };
    time::sleep(nanos).map_or(FAILED, |()| 0)
}
