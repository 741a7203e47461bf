//! Looking at the machine: processes, memory, programs, switches.

use core::fmt;

use ulib::abi::records::{IDLE, Switch, WHY};
use ulib::{io, machine, println, process};

use crate::words::{Problem, Seconds, number};

/// Less room than this at the end of a buffer may have cut a list short: no line is longer.
const LINE_MAX: usize = 160;

pub(crate) fn ps(_: &str) -> Result<(), Problem> {
    list(process::ps)
}

pub(crate) fn programs(_: &str) -> Result<(), Problem> {
    list(machine::programs)
}

/// Shows a list that the kernel writes as text.
fn list(call: fn(&mut [u8]) -> Result<&[u8], ulib::Errno>) -> Result<(), Problem> {
    /// Room for 100 processes and more.
    const CAPACITY: usize = 16 << 10;
    let mut buffer = [0; CAPACITY];
    let lines = call(&mut buffer)?;
    io::write_lines(lines)?;
    if CAPACITY - lines.len() < LINE_MAX {
        println!("(there may be more)");
    }
    Ok(())
}

pub(crate) fn stats(rest: &str) -> Result<(), Problem> {
    let pid = match rest {
        "" => process::getpid(),
        _ => number(rest)?,
    };
    let stats = process::stats(pid)?;
    println!(
        "pid {pid}: switches {} voluntary, {} forced; cpu {} s; faults {}; pages {} ({} shared); kernel memory {} bytes, stack {}",
        stats.switches_voluntary,
        stats.switches_forced,
        Seconds(stats.cpu_nanos),
        stats.faults,
        stats.pages,
        stats.pages_shared,
        stats.kernel_bytes,
        stats.kernel_stack_high_water,
    );
    Ok(())
}

pub(crate) fn free(_: &str) -> Result<(), Problem> {
    let system = machine::system()?;
    println!("{:<10} {:>9} {:>9} {:>9}", "", "TOTAL", "USED", "FREE");
    let used = system.memory_total.saturating_sub(system.memory_free);
    row("memory KiB", system.memory_total / 1024, used / 1024);
    row("heap KiB", system.heap_total / 1024, system.heap_used / 1024);
    row("tasks", system.tasks_max, system.tasks);
    Ok(())
}

fn row(what: &str, total: u64, used: u64) {
    println!("{what:<10} {total:>9} {used:>9} {:>9}", total.saturating_sub(used));
}

/// `trace [N]`: the last N switches.
pub(crate) fn trace(rest: &str) -> Result<(), Problem> {
    /// How many are shown when nobody says.
    const DEFAULT: u64 = 20;
    let wanted = match rest {
        "" => DEFAULT,
        _ => number(rest)?,
    };
    let end = machine::system()?.switches;
    let mut next = end.saturating_sub(wanted);
    let mut buffer = [Switch::default(); 32];
    println!("{:>8} {:>14} {:>10} {:>10} {:<14} AT", "SWITCH", "SECONDS", "FROM", "TO", "WHY");
    while next < end {
        let known = machine::trace(next, &mut buffer)?;
        let Some(last) = known.last() else {
            break;
        };
        next = last.number + 1;
        for switch in known.iter().filter(|switch| switch.number < end) {
            let Switch { number, time_nanos, rip, from, to, why } = *switch;
            let why = usize::try_from(why).ok().and_then(|why| WHY.get(why)).unwrap_or(&"?");
            let time = Seconds(time_nanos);
            let (from, to) = (Who(from), Who(to));
            println!("{number:>8} {time:>14} {from:>10} {to:>10} {why:<14} {rip:#x}");
        }
    }
    Ok(())
}

/// A pid, or the idle loop.
struct Who(u64);

impl fmt::Display for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IDLE => out.pad("idle"),
            pid => pid.fmt(out),
        }
    }
}
