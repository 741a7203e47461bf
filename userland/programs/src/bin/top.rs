//! `top [SECONDS]`: who has the CPU: once a second, for SECONDS or until Control-C.
#![no_std]
#![no_main]

use core::fmt;

use ulib::abi::layout::NANOS_PER_SEC;
use ulib::abi::records::System;
use ulib::abi::sched::{ASK, POLICIES, unpack};
use ulib::{Args, Errno, USAGE, io, machine, println, process, time};

ulib::entry!(main);

/// Processes that are told apart; of more, the first ones.
const ROWS: usize = 1024;

/// Processes that are shown, the busiest: with the headings as many lines as a terminal has.
const SHOWN: usize = 20;

fn main(args: Args) -> i64 {
    let seconds: Option<u64> = match (args.number(1), args.count()) {
        (_, 0 | 1) => None,
        (Some(seconds @ 1..), 2) => Some(seconds),
        _ => {
            println!("usage: top [SECONDS]");
            return USAGE;
        }
    };
    watch(seconds).map_or_else(Errno::code, |()| 0)
}

fn watch(seconds: Option<u64>) -> Result<(), Errno> {
    let mut before = Sample::take()?;
    let mut shown = 0;
    while seconds.is_none_or(|seconds| shown < seconds) {
        time::sleep(NANOS_PER_SEC)?;
        let now = Sample::take()?;
        if seconds != Some(1) {
            io::clear_screen()?;
        }
        show(&before, &now)?;
        before = now;
        shown += 1;
    }
    Ok(())
}

/// What one process has used at a moment.
#[derive(Clone, Copy, Default)]
struct Row {
    pid: u64,
    name: [u8; 31],
    cpu: u64,
    voluntary: u64,
    forced: u64,
}

/// Everything that is counted, at a moment.
struct Sample {
    system: System,
    rows: [Row; ROWS],
    used: usize,
}

impl Sample {
    fn take() -> Result<Self, Errno> {
        let mut table = [0; ROWS * 80];
        let table = str::from_utf8(process::ps(&mut table)?).unwrap_or_default();
        let mut sample = Self { system: machine::system()?, rows: [Row::default(); ROWS], used: 0 };
        // Pid first, name last, after a heading.
        for line in table.lines().skip(1).take(ROWS) {
            let mut words = line.split_ascii_whitespace();
            let pid = words.next().and_then(|word| word.parse().ok());
            let (Some(pid), Some(name)) = (pid, words.next_back()) else { continue };
            // It may have ended since.
            let Ok(stats) = process::stats(pid) else { continue };
            let row = &mut sample.rows[sample.used];
            let length = name.len().min(row.name.len());
            row.name[..length].copy_from_slice(&name.as_bytes()[..length]);
            row.pid = pid;
            row.cpu = stats.cpu_nanos;
            row.voluntary = stats.switches_voluntary;
            row.forced = stats.switches_forced;
            sample.used += 1;
        }
        Ok(sample)
    }

    fn rows(&self) -> &[Row] {
        &self.rows[..self.used]
    }
}

fn show(before: &Sample, now: &Sample) -> Result<(), Errno> {
    let (policy, _) = unpack(process::sched(ASK, 0, 0)?);
    let policy = usize::try_from(policy).ok().and_then(|number| POLICIES.get(number - 1));
    let span = now.system.uptime_nanos - before.system.uptime_nanos;
    let rate = |count: u64| count * NANOS_PER_SEC / span;
    let mut rows = now.rows;
    let rows = &mut rows[..now.used];
    for row in &mut *rows {
        let Some(earlier) = before.rows().iter().find(|earlier| earlier.pid == row.pid) else {
            continue;
        };
        row.cpu -= earlier.cpu;
        row.voluntary -= earlier.voluntary;
        row.forced -= earlier.forced;
    }
    println!(
        "policy {}, {} tasks, {} ready; switches/s {} voluntary, {} forced; idle {}",
        policy.unwrap_or(&"?"),
        now.system.tasks,
        now.system.ready,
        rate(rows.iter().map(|row| row.voluntary).sum()),
        rate(now.system.switches_forced - before.system.switches_forced),
        Share(now.system.idle_nanos - before.system.idle_nanos, span),
    );
    println!("{:>10} {:>6} {:>10} NAME", "PID", "CPU", "SWITCHES/S");
    rows.sort_unstable_by_key(|row| (u64::MAX - row.cpu, row.pid));
    for row in rows.iter().take(SHOWN) {
        let name = str::from_utf8(&row.name).unwrap_or("?").trim_end_matches('\0');
        let switches = rate(row.voluntary + row.forced);
        println!("{:>10} {:>6} {switches:>10} {name}", row.pid, Share(row.cpu, span));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(SHOWN) {
        println!("... and {more} more");
    }
    Ok(())
}

/// A part of a whole, in percent.
struct Share(u64, u64);

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let permille = self.0 * 1000 / self.1;
        let width = out.width().unwrap_or(0).saturating_sub(3);
        write!(out, "{:>width$}.{}%", permille / 10, permille % 10)
    }
}
