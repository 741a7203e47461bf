//! `bench [--instructions] [OPERATION..]`: measures what the kernel's operations cost.
//!
//! Each operation is warmed up, then timed many times with the time-stamp counter; one line a
//! figure says the median and the extremes. With `--instructions` (QEMU's `-icount shift=0`, where
//! the counter counts instructions) nothing is reported unless a loop of known length says so.
//! Without operations all are measured that a machine of any size can; `list` names them.
#![no_std]
#![no_main]

mod calls;
mod clock;
mod crowd;
mod life;
mod policy;
mod samples;
mod timer;
mod yields;

use clock::Clock;
use ulib::{Args, FAILED, USAGE, println, time};

ulib::entry!(main);

/// Why an operation has no figure.
type Refusal = &'static str;

/// One operation: its name, whether it is measured unasked, and how.
struct Operation(&'static str, bool, fn(&Clock) -> Result<(), Refusal>);

/// Every operation there is.
const OPERATIONS: &[Operation] = &[
    Operation("calibration", true, clock::calibration),
    Operation("boot", true, clock::boot),
    Operation("syscall_getpid", true, calls::getpid),
    Operation("syscall_enosys", true, calls::unknown),
    Operation("yield_alone", true, yields::alone),
    Operation("yield_2", true, |clock| yields::ring(clock, "yield_2", 2)),
    Operation("yield_10", true, |clock| yields::ring(clock, "yield_10", 10)),
    Operation("yield_100", true, |clock| yields::ring(clock, "yield_100", 100)),
    Operation("yield_1000", true, |clock| yields::ring(clock, "yield_1000", 1000)),
    Operation("yield_10000", false, |clock| yields::ring(clock, "yield_10000", 10_000)),
    Operation("yield_same_space", true, yields::same_space),
    Operation("preempt_switch", true, timer::preempt_switch),
    Operation("timer_tick_no_switch", true, timer::tick_no_switch),
    Operation("timer_tick_keeps", true, timer::tick_keeps),
    Operation("timer_tick_wake", true, timer::tick_wake),
    Operation("ticks_while_nobody_waits", true, timer::ticks_while_nobody_waits),
    Operation("sleep_1ms", true, timer::sleep_1ms),
    Operation("wait_block_wake", true, life::wait_block_wake),
    Operation("spawn_exit_wait", true, life::spawn_exit_wait),
    Operation("memory_idle", true, life::memory_idle),
    Operation("idle", false, timer::idle),
];

fn main(args: Args) -> i64 {
    let started = [time::clock().unwrap_or(0), clock::now()];
    let counts = args.get(1) == Some("--instructions");
    let names = || args.rest().skip(usize::from(counts));
    if names().next() == Some("list") {
        OPERATIONS.iter().for_each(|operation| println!("{}", operation.0));
        return 0;
    }
    let known = |name: &str| OPERATIONS.iter().any(|operation| operation.0 == name);
    if let Some(unknown) = names().find(|name| !known(name)) {
        println!("bench: no operation {unknown}: see bench list");
        return USAGE;
    }
    let clock = match Clock::calibrate(counts, started) {
        Ok(clock) => clock,
        Err(ticks) => {
            println!("bench: refused: a loop of 10000 instructions takes {ticks} ticks");
            return FAILED;
        }
    };
    let asked = names().next().is_some();
    for Operation(name, unasked, measure) in OPERATIONS {
        let wanted = if asked { names().any(|wanted| wanted == *name) } else { *unasked };
        if !wanted {
            continue;
        }
        // What was printed last is drawn first: the terminal would take its turns meanwhile.
        let _ = time::sleep(50_000_000);
        if let Err(refusal) = measure(&clock) {
            println!("bench: {name} skipped: {refusal}");
        }
    }
    println!("bench: done");
    0
}
