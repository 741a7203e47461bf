//! What each system call does. [`handle`] decodes, performs, and acts on the [`Outcome`].
//!
//! A call that must wait changes nothing, blocks, and is evaluated again from the same frame when
//! it is woken. So no call holds anything while it is switched out, and a process that is killed
//! there can simply be taken apart. A bad argument is an error to the caller, never a panic.
#![deny(clippy::panic, clippy::unreachable, clippy::indexing_slicing)]

mod buffer;
mod io;
mod machine;
mod memory;
mod ps;
mod steering;
mod tasks;

use orbital_abi::{Errno, layout};
use orbital_arch::frame::TrapFrame;
use orbital_core::process::{ExitStatus, Pid, WaitFor};
use orbital_core::syscall::Syscall;

use crate::machine::PROGRAMS;
use crate::memory::space::AddressSpace;
use crate::sched::{self, TABLE};
use crate::sync::{Lock, Order};
use crate::{terminal, time};

/// What a call comes to.
enum Outcome {
    /// The caller goes on with this result.
    Return(u64),
    /// The caller goes on with this result, after everybody who is ready now.
    AfterAll(u64),
    /// The caller waits, then asks again.
    Wait(WaitFor),
    /// The caller has ended.
    Exit(ExitStatus),
}

/// A call's data on its way between a program and the kernel.
static SCRATCH: Lock<[u8; layout::IO_MAX as usize]> =
    Lock::new(Order::Scratch, [0; layout::IO_MAX as usize]);

/// The first `len` bytes of a buffer of the kernel's.
fn first(buffer: &mut [u8], len: u64) -> Result<&mut [u8], Errno> {
    buffer.get_mut(..len as usize).ok_or(Errno::Invalid)
}

/// Serves the call in `frame`.
#[inline]
pub(crate) fn handle(frame: &mut TrapFrame) {
    loop {
        let outcome = Syscall::decode(frame.syscall_number(), frame.syscall_args())
            .and_then(perform)
            .unwrap_or_else(|errno| Outcome::Return(errno.code().cast_unsigned()));
        match outcome {
            Outcome::Return(value) => {
                frame.set_result(value);
                return;
            }
            Outcome::AfterAll(value) => {
                frame.set_result(value);
                return sched::run_ready();
            }
            Outcome::Wait(wait) => sched::block(wait),
            Outcome::Exit(status) => sched::exit(status),
        }
    }
}

#[inline]
fn perform(call: Syscall) -> Result<Outcome, Errno> {
    let value = match call {
        // `trap` serves these two before anything is decoded: nobody comes here with them.
        Syscall::Yield {} | Syscall::Getpid {} => return Err(Errno::NotImplemented),
        Syscall::Hello { magic: layout::HELLO_MAGIC } => layout::HELLO_REPLY,
        Syscall::Hello { .. } => return Err(Errno::Invalid),
        Syscall::Exit { code } => return Ok(Outcome::Exit(ExitStatus::Exited(code))),
        Syscall::Log { ptr, len } => io::log(ptr, len)?,
        Syscall::Write { fd, ptr, len } => return io::write(fd, ptr, len),
        Syscall::Read { fd, ptr, len } => return io::read(fd, ptr, len),
        Syscall::TaskCreate { entry, arg } => tasks::create(entry, arg)?,
        Syscall::TaskWait { pid, status_ptr } => return tasks::wait(Pid(pid), status_ptr),
        Syscall::Ps { ptr, len } => ps::write_table(ptr, len)?,
        Syscall::Uptime {} => time::since_boot_nanos() / layout::NANOS_PER_SEC,
        Syscall::Clock {} => time::since_boot_nanos(),
        Syscall::ClearScreen {} => {
            let (_, session) = me();
            terminal::clear(session);
            0
        }
        Syscall::RunReady {} => return Ok(Outcome::AfterAll(ps::ready_programs())),
        Syscall::Spawn { path, path_len, argv, argv_len } => {
            tasks::spawn((path, path_len), (argv, argv_len))?
        }
        Syscall::Kill { pid } => tasks::kill(Pid(pid))?,
        Syscall::Map { len, rights } => memory::map(len, rights)?,
        Syscall::Unmap { addr, len } => memory::unmap(addr, len)?,
        Syscall::Stats { pid, ptr } => tasks::stats(Pid(pid), ptr)?,
        Syscall::System { ptr } => machine::system(ptr)?,
        Syscall::Programs { ptr, len } => machine::programs(ptr, len)?,
        Syscall::Trace { first, ptr, len } => machine::trace(first, ptr, len)?,
        Syscall::Fail { nth } => machine::fail(nth)?,
        Syscall::Sleep { nanos } => return Ok(steering::sleep(nanos)),
        Syscall::Sched { operation, value, pid } => steering::sched(operation, value, Pid(pid))?,
    };
    Ok(Outcome::Return(value))
}

/// The caller and the leader of its session.
fn me() -> (Pid, Pid) {
    TABLE.with(|table| {
        let process = &table[sched::running(table)];
        (process.pid(), process.machine().session)
    })
}

/// Runs `user` with the caller's address space.
fn with_space<R>(user: impl FnOnce(&mut AddressSpace) -> Result<R, Errno>) -> Result<R, Errno> {
    TABLE.with(|table| {
        let machine = table[sched::running(table)].machine();
        let key = machine.program.as_ref().ok_or(Errno::Fault)?;
        PROGRAMS.with(|all| user(&mut all[key].space))
    })
}
