//! `loads PREFIX COUNT`: starts the programs PREFIX0 to PREFIX(COUNT - 1), which may be no programs
//! at all; lets each that starts run for a moment, then ends it. Exits 1 when the kernel answers
//! anything but a pid or that the file is refused.
#![no_std]
#![no_main]

use core::fmt::Write;

use ulib::process::{self, Pid};
use ulib::text::Text;
use ulib::{Args, Errno, FAILED, USAGE, println};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let (Some(prefix), Some(count), 3) = (args.get(1), args.number(2), args.count()) else {
        println!("usage: loads PREFIX COUNT");
        return USAGE;
    };
    let (mut refused, mut started) = (0, 0);
    for number in 0..count {
        let mut name = Text::<32>::new();
        if write!(name, "{prefix}{number}").is_err() {
            return USAGE;
        }
        match process::spawn(name.as_str(), &[name.as_str()]) {
            Err(Errno::Invalid) => refused += 1,
            Ok(pid) if has_ended(pid) => started += 1,
            other => {
                println!("loads: {}: {other:?}", name.as_str());
                return FAILED;
            }
        }
    }
    println!("loads: {refused} refused, {started} started");
    0
}

/// Lets a process run, ends it if it does not, and collects it.
fn has_ended(pid: Pid) -> bool {
    for _ in 0..8 {
        process::yield_now();
    }
    // It has ended already, or now.
    let _ = process::kill(pid);
    process::task_wait(pid).is_ok()
}
