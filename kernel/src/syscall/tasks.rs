//! Calls that make, await, end and look at processes.

use orbital_abi::records::Stats;
use orbital_abi::{Errno, layout};
use orbital_arch::clock::rdtsc;
use orbital_core::process::Pid;
use orbital_core::range::UserRange;
use orbital_core::table::Wait;

use super::{Outcome, SCRATCH, first, with_space};
use crate::boot;
use crate::machine::{Usage, release_memory};
use crate::memory::space::Access;
use crate::memory::user;
use crate::process::{self, Standing, Starter};
use crate::sched::{self, TABLE};
use crate::time;

/// Longest program path.
const PATH_MAX: u64 = 256;

pub(super) fn create(entry: u64, arg: u64) -> Result<u64, Errno> {
    with_space(|space| user::check(space, UserRange::new(entry, 1)?, Access::Execute))?;
    let creator = TABLE.with(|table| sched::running(table));
    Ok(process::create_task(creator, entry, arg)?.0)
}

pub(super) fn wait(pid: Pid, status_ptr: u64) -> Result<Outcome, Errno> {
    let status = match status_ptr {
        0 => None,
        ptr => Some(UserRange::new(ptr, size_of::<i64>() as u64)?),
    };
    if let Some(range) = status {
        with_space(|space| user::check(space, range, Access::Write))?;
    }
    let waited = TABLE.with(|table| table.wait(sched::running(table), pid))?;
    let (mut ended, code) = match waited {
        Wait::Block(wait) => return Ok(Outcome::Wait(wait)),
        Wait::Ended(process, status) => (process, status.code()),
    };
    release_memory(ended.machine_mut());
    match status {
        None => Ok(Outcome::Return(code.cast_unsigned())),
        Some(range) => {
            with_space(|space| user::write(space, range, &code.to_le_bytes()))?;
            Ok(Outcome::Return(pid.0))
        }
    }
}

/// `path` and `argv` are pointers with lengths; the kernel looks at a copy of both.
pub(super) fn spawn(path: (u64, u64), argv: (u64, u64)) -> Result<u64, Errno> {
    if path.1 == 0 || path.1 > PATH_MAX || argv.1 > layout::SPAWN_MAX - PATH_MAX {
        return Err(Errno::Invalid);
    }
    let (path, argv) = (UserRange::new(path.0, path.1)?, UserRange::new(argv.0, argv.1)?);
    SCRATCH.with(|scratch| {
        let (name, rest) = scratch.split_at_mut(path.len() as usize);
        let arguments = first(rest, argv.len())?;
        with_space(|space| {
            user::read(space, path, name)?;
            user::read(space, argv, arguments)
        })?;
        let name = core::str::from_utf8(name).map_err(|_| Errno::Invalid)?;
        if arguments.last().is_some_and(|&last| last != 0) {
            return Err(Errno::Invalid);
        }
        let starter = TABLE.with(|table| {
            let me = sched::running(table);
            let process = &table[me];
            let standing =
                if table.is_owner(me) { Standing::OwnersChild } else { Standing::Ordinary };
            Starter { parent: process.pid(), session: Some(process.machine().session), standing }
        });
        let pid = process::spawn_program(&boot::get().ramdisk, name, arguments, starter)?;
        Ok(pid.0)
    })
}

pub(super) fn kill(pid: Pid) -> Result<u64, Errno> {
    let victim = TABLE.with(|table| table.kill(sched::running(table), pid, rdtsc()))?;
    process::killed(victim);
    Ok(0)
}

pub(super) fn stats(pid: Pid, ptr: u64) -> Result<u64, Errno> {
    let target = UserRange::new(ptr, size_of::<Stats>() as u64)?;
    with_space(|space| user::check(space, target, Access::Write))?;
    let now = rdtsc();
    let stats = TABLE.with(|table| {
        let slot = table.find(pid).ok_or(Errno::NotFound)?;
        let machine = table[slot].machine();
        let counters = table.task(slot).counters();
        let Usage { pages, pages_shared, kernel_bytes } = Usage::of(machine);
        Ok::<_, Errno>(Stats {
            switches_voluntary: counters.voluntary,
            switches_forced: counters.forced,
            cpu_nanos: time::ticks_to_nanos(table.cpu_ticks(slot, now)),
            faults: counters.faults,
            pages,
            pages_shared,
            kernel_bytes,
            kernel_stack_high_water: machine.stack.as_ref().map_or(0, |s| s.high_water()),
        })
    })?;
    with_space(|space| user::write(space, target, &stats.to_bytes()))?;
    Ok(0)
}
