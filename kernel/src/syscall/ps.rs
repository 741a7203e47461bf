//! The process table as a person reads it.

use core::fmt::Write;

use orbital_abi::Errno;
use orbital_arch::clock::rdtsc;
use orbital_core::process::{Pid, ProcState, Process};
use orbital_core::sched::Task;

use super::buffer::UserBuffer;
use crate::machine::{Machine, Usage};
use crate::sched::TABLE;
use crate::text::Text;
use crate::time;

/// How many programs are ready; tasks of the kernel do not count.
pub(super) fn ready_programs() -> u64 {
    TABLE.with(|table| {
        table
            .iter()
            .filter(|(slot, process)| {
                table.task(*slot).state() == ProcState::Ready && !process.pid().is_kernel_task()
            })
            .count() as u64
    })
}

/// Writes the table to the caller's buffer: a heading, then one line per process in order of pid,
/// as many whole lines as fit. Returns the bytes written.
pub(super) fn write_table(ptr: u64, len: u64) -> Result<u64, Errno> {
    let mut buffer = UserBuffer::new(ptr, len)?;
    let mut go_on = buffer.append(Line::line(format_args!("{HEADING}")).as_bytes())?;
    let mut after = None;
    while go_on && let Some((pid, line)) = next_line(after) {
        go_on = buffer.append(line.as_bytes())?;
        after = Some(pid);
    }
    Ok(buffer.written())
}

const HEADING: &str = "       PID PARENT STATUS           SWITCHES  CPU(ms) MEM(KiB) NAME";

/// The line of the process with the lowest pid above `after`.
fn next_line(after: Option<Pid>) -> Option<(Pid, Line)> {
    let now = rdtsc();
    TABLE.with(|table| {
        let (slot, process) = table
            .iter()
            .filter(|(_, process)| Some(process.pid()) > after)
            .min_by_key(|(_, process)| process.pid())?;
        let cpu_millis = time::ticks_to_nanos(table.cpu_ticks(slot, now)) / 1_000_000;
        Some((process.pid(), line_of(process, table.task(slot), cpu_millis)))
    })
}

/// A line of the table.
type Line = Text<128>;

fn line_of(process: &Process<Machine>, task: &Task, cpu_millis: u64) -> Line {
    let counters = task.counters();
    let mut status = Line::new();
    // A status that is too long is cut; nothing is lost that a person needs.
    let _ = match task.state() {
        ProcState::Blocked(wait) => write!(status, "Blocked({wait})"),
        state => write!(status, "{}", state.word()),
    };
    Line::line(format_args!(
        "{:>10} {:>6} {:<16} {:>8} {:>8} {:>8} {}",
        process.pid(),
        process.parent(),
        status.as_str(),
        counters.voluntary + counters.forced,
        cpu_millis,
        Usage::of(process.machine()).bytes() / 1024,
        process.name()
    ))
}
