//! Calls that look at the whole machine: `system`, `programs`, `trace`, and one that
//! makes it fail: `fail`.

use orbital_abi::Errno;
use orbital_abi::records::{Switch, System};
use orbital_arch::timer::TimerSource;
use orbital_core::cmdline::Fail;
use orbital_core::trace::{Event, Ring};

use super::buffer::UserBuffer;
use crate::boot;
use crate::memory::window::FRAME_SIZE;
use crate::memory::{frames, heap};
use crate::sched::{self, TABLE, TRACE};
use crate::text::Text;
use crate::time;

pub(super) fn system(ptr: u64) -> Result<u64, Errno> {
    let mut buffer = UserBuffer::new(ptr, size_of::<System>() as u64)?;
    let memory = frames::counts();
    let (timer, timer_hz) = match time::timer_source() {
        Some(TimerSource::TscDeadline { hz }) => (0, hz),
        Some(TimerSource::ApicOneShot { hz }) => (1, hz),
        None => return Err(Errno::NotImplemented),
    };
    let record = TABLE.with(|table| System {
        uptime_nanos: time::since_boot_nanos(),
        idle_nanos: time::ticks_to_nanos(sched::idle_ticks()),
        switches: TRACE.with(|ring| ring.count()),
        switches_forced: table.forced(),
        timer_interrupts: time::interrupts(),
        memory_total: memory.total * FRAME_SIZE as u64,
        memory_free: memory.free * FRAME_SIZE as u64,
        heap_total: heap::size() as u64,
        heap_used: heap::used_bytes() as u64,
        tasks: table.len() as u64,
        tasks_max: table.capacity() as u64,
        ready: table.ready() as u64,
        timer,
        timer_hz,
    });
    buffer.append(&record.to_bytes())?;
    Ok(0)
}

pub(super) fn fail(nth: u64) -> Result<u64, Errno> {
    match boot::get().command_line.fail {
        Fail::Calls => Ok(frames::fail_nth(nth)),
        Fail::Nth(_) => Err(Errno::PermissionDenied),
    }
}

/// A line of the list of programs.
type Line = Text<160>;

pub(super) fn programs(ptr: u64, len: u64) -> Result<u64, Errno> {
    let mut buffer = UserBuffer::new(ptr, len)?;
    for program in boot::get().ramdisk.programs() {
        let line = Line::line(format_args!("{:>9} {}", program.bytes.len(), program.name));
        if !buffer.append(line.as_bytes())? {
            break;
        }
    }
    Ok(buffer.written())
}

/// Where other programs were is shown only to the process that owns the machine.
pub(super) fn trace(first: u64, ptr: u64, len: u64) -> Result<u64, Errno> {
    let mut buffer = UserBuffer::new(ptr, len)?;
    let owner = TABLE.with(|table| table.is_owner(sched::running(table)));
    let mut next = first;
    while let Some((number, event)) = TRACE.with(|ring| next_event(ring, next)) {
        let record = Switch {
            number,
            time_nanos: time::nanos_at(event.time),
            rip: if owner { event.rip } else { 0 },
            from: event.from.0,
            to: event.to.0,
            why: event.why as u64,
        };
        if !buffer.append(&record.to_bytes())? {
            break;
        }
        next = number + 1;
    }
    Ok(buffer.written() / size_of::<Switch>() as u64)
}

fn next_event(ring: &Ring, first: u64) -> Option<(u64, Event)> {
    ring.since(first).next().map(|(number, event)| (number, *event))
}
