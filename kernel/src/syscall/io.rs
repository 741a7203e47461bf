//! Calls that read and write: `log`, `write`, `read`.

use crate::sched;
use crate::terminal::Read;
use orbital_abi::{Errno, layout};
use orbital_core::process::WaitFor;
use orbital_core::range::UserRange;

use super::{Outcome, SCRATCH, first, me, with_space};
use crate::memory::space::Access;
use crate::memory::user;
use crate::{console, terminal};

/// A length that `log` and `write` accept, as a range of the caller's memory.
fn io_range(ptr: u64, len: u64) -> Result<UserRange, Errno> {
    if len == 0 || len > layout::IO_MAX {
        return Err(Errno::Invalid);
    }
    UserRange::new(ptr, len)
}

pub(super) fn log(ptr: u64, len: u64) -> Result<u64, Errno> {
    let range = io_range(ptr, len)?;
    SCRATCH.with(|scratch| {
        let bytes = first(scratch, range.len())?;
        with_space(|space| user::read(space, range, bytes))?;
        console::log_program(sched::current_pid(), bytes);
        Ok(len)
    })
}

pub(super) fn write(fd: u64, ptr: u64, len: u64) -> Result<Outcome, Errno> {
    if fd != 1 && fd != 2 {
        return Err(Errno::BadFd);
    }
    let range = io_range(ptr, len)?;
    let (pid, session) = me();
    SCRATCH.with(|scratch| {
        let bytes = first(scratch, range.len())?;
        with_space(|space| user::read(space, range, bytes))?;
        Ok(match terminal::write(pid, session, bytes) {
            Ok(()) => Outcome::Return(len),
            Err(terminal::Full) => Outcome::Wait(WaitFor::Output),
        })
    })
}

pub(super) fn read(fd: u64, ptr: u64, len: u64) -> Result<Outcome, Errno> {
    if fd != 0 {
        return Err(Errno::BadFd);
    }
    if len == 0 {
        return Ok(Outcome::Return(0));
    }
    let range = UserRange::new(ptr, len.min(layout::IO_MAX))?;
    // All of what the caller claims is checked, also when less than that is going to be written.
    with_space(|space| user::check(space, UserRange::new(ptr, len)?, Access::Write))?;
    let (_, session) = me();
    SCRATCH.with(|scratch| match terminal::read(session, first(scratch, range.len())?) {
        Read::Wait => Ok(Outcome::Wait(WaitFor::Input)),
        Read::EndOfInput => Ok(Outcome::Return(0)),
        Read::Bytes(count) => {
            let target = UserRange::new(ptr, count as u64)?;
            with_space(|space| user::write(space, target, first(scratch, count as u64)?))?;
            Ok(Outcome::Return(count as u64))
        }
    })
}
