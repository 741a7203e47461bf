//! `drill SWITCHES`: starts programs that check their registers, fault, exit, and compute, one after
//! the other, until the timer has forced SWITCHES switches since boot; every one must end as it does
//! when nobody disturbs it. Exits 1 after naming the first that does not.
#![no_std]
#![no_main]

use ulib::abi::records::CODE_FAULTED;
use ulib::{Args, FAILED, USAGE, machine, println, process};

ulib::entry!(main);

/// Programs, and how they end.
const PROGRAMS: &[(&[&str], i64)] = &[
    (&["registers", "24", "1"], 0),
    (&["crash", "ud2"], CODE_FAULTED + 6),
    (&["exitcode", "7"], 7),
    (&["crash", "read-null"], CODE_FAULTED + 14),
    (&["tasks", "2"], 0),
];

fn main(args: Args) -> i64 {
    let (Some(wanted), 2) = (args.number(1), args.count()) else {
        println!("usage: drill SWITCHES");
        return USAGE;
    };
    let mut ended = 0_u64;
    loop {
        for &(arguments, code) in PROGRAMS {
            let got = process::spawn(arguments[0], arguments).and_then(process::task_wait);
            if got != Ok(code) {
                println!("drill: {arguments:?} ended with {got:?}, must be {code}");
                return FAILED;
            }
            ended += 1;
        }
        let forced = machine::system().map_or(0, |system| system.switches_forced);
        if forced >= wanted {
            println!("drill: {forced} forced switches, {ended} programs as they must be");
            return 0;
        }
    }
}
