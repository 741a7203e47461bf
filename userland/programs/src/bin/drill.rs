//! `drill SWITCHES SEED`: starts programs that check their registers, fault, exit, and compute, one
//! after the other, until the timer has forced SWITCHES switches since boot; every one must end as it
//! does when nobody disturbs it. Exits 1 after naming the first that does not.
//!
//! Which program is next, and how often it gives way before, is left to chance: under a policy whose
//! slices repeat, a fixed round soon falls in step with them, and meets the same ones again and again.
#![no_std]
#![no_main]

use programs::Random;
use ulib::abi::records::CODE_FAULTED;
use ulib::{Args, FAILED, USAGE, machine, println, process};

ulib::entry!(main);

/// Programs, and how they end.
type Programs = &'static [(&'static [&'static str], i64)];

/// Those that start, and soon are gone.
const SHORT: Programs = &[
    (&["exitcode", "7"], 7),
    (&["crash", "ud2"], CODE_FAULTED + 6),
    (&["crash", "read-null"], CODE_FAULTED + 14),
];

/// Those in which most of the time goes by.
const LONG: Programs = &[(&["registers", "4", "1"], 0), (&["tasks", "2"], 0)];

/// So many short ones for a long one.
const RATIO: u64 = 31;

/// Most turns to give way for before the next program.
const TURNS: u64 = 16;

fn main(args: Args) -> i64 {
    let (Some(wanted), Some(seed), 3) = (args.number(1), args.number(2), args.count()) else {
        println!("usage: drill SWITCHES SEED");
        return USAGE;
    };
    let mut random = Random::new(seed);
    let mut ended = 0_u64;
    loop {
        for _ in 0..random.below(TURNS + 1) {
            process::yield_now();
        }
        let programs = if random.below(RATIO + 1) == 0 { LONG } else { SHORT };
        let choice = usize::try_from(random.next()).unwrap_or(0) % programs.len();
        let (arguments, code) = programs[choice];
        let got = process::spawn(arguments[0], arguments).and_then(process::task_wait);
        if got != Ok(code) {
            println!("drill: {arguments:?} ended with {got:?}, must be {code}");
            return FAILED;
        }
        ended += 1;
        let forced = machine::system().map_or(0, |system| system.switches_forced);
        if forced >= wanted {
            println!("drill: {forced} forced switches, {ended} programs as they must be");
            return 0;
        }
    }
}
