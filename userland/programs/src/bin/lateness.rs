//! `lateness COUNT TIME`: sleeps COUNT times for TIME and says how late it woke, at worst and on average.
#![no_std]
#![no_main]

use ulib::abi::duration::{self, Shown};
use ulib::{Args, Errno, FAILED, USAGE, println, time};

ulib::entry!(main);

/// How long it waits before the first, in nanoseconds.
const SETTLING: u64 = 1_000_000_000;

fn main(args: Args) -> i64 {
    let time = args.get(2).and_then(duration::parse);
    let (Some(count @ 1..), Some(time), 3) = (args.number(1), time, args.count()) else {
        println!("usage: lateness COUNT TIME");
        return USAGE;
    };
    let Ok(Lateness { worst, total }) = nap(count, time) else {
        return FAILED;
    };
    println!(
        "lateness: {count} of {}, {worst} ns late at worst, {} on average",
        Shown(time),
        total / count
    );
    0
}

struct Lateness {
    worst: u64,
    total: u64,
}

fn nap(count: u64, time: u64) -> Result<Lateness, Errno> {
    // What is still going on because of the start comes to its end.
    time::sleep(SETTLING)?;
    let mut late = Lateness { worst: 0, total: 0 };
    for _ in 0..count {
        let due = time::clock()? + time;
        time::sleep(time)?;
        // A sleep that ends early is no lateness but a bug: the subtraction panics.
        let lateness = time::clock()? - due;
        late.worst = late.worst.max(lateness);
        late.total += lateness;
    }
    Ok(late)
}
