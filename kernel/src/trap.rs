//! The one way in from the machine: why are we here, and what is to be done on the way out.
//!
//! Every system call arrives in [`Kernel::syscall`], every interrupt and exception in
//! [`Kernel::trap`], with the registers of the interrupted program in a [`TrapFrame`], filled in place
//! by `arch`'s entry code, and leaves by returning from it. Interrupts from ring 0 are taken only while
//! idle.

use orbital_abi::Sysno;
use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_arch::{TrapHandler, apic, cpu, pic, vector};
use orbital_core::process::{ExitStatus, Fault, Starved};

use crate::machine::PROGRAMS;
use crate::memory::space::{Access, SpaceError};
use crate::sched::{self, TABLE};
use crate::{attendant, syscall, terminal, time};

/// The kernel, as `arch` knows it.
pub(crate) struct Kernel;

impl TrapHandler for Kernel {
    // Each way is a function of its own, so that none saves registers for another.
    #[inline]
    #[unsafe(link_section = ".text.hot")]
    extern "C" fn syscall(frame: &mut TrapFrame) {
        match frame.syscall_number() {
            YIELD => yield_now(frame),
            _ => no_yield(frame),
        }
    }

    #[inline]
    #[unsafe(link_section = ".text.hot")]
    extern "C" fn trap(frame: &mut TrapFrame) {
        match frame.vector {
            vector::TIMER => timer(frame),
            _ => other(frame),
        }
    }
}

#[inline(never)]
#[unsafe(link_section = ".text.hot")]
fn no_yield(frame: &mut TrapFrame) {
    match frame.syscall_number() {
        GETPID => getpid(frame),
        _ => other_call(frame),
    }
}

const GETPID: u64 = Sysno::Getpid.number();
const YIELD: u64 = Sysno::Yield.number();

/// The call that does nothing: what every other one costs at least.
#[inline]
fn getpid(frame: &mut TrapFrame) {
    frame.set_result(sched::current_pid().0);
    attendant::serve_input();
}

/// The call that switches.
#[inline]
fn yield_now(frame: &mut TrapFrame) {
    frame.set_result(0);
    // Does not come back if the turn was passed.
    sched::pass_turn(frame);
    yield_otherwise(frame);
}

#[inline(never)]
fn yield_otherwise(frame: &mut TrapFrame) {
    attendant::serve_input();
    sched::yield_at_exit(frame);
}

/// The interrupt that switches, unless it comes too early for what is due.
#[inline(never)]
#[unsafe(link_section = ".text.hot")]
fn timer(frame: &mut TrapFrame) {
    let now = time::interrupt();
    // SAFETY: that is why we are here.
    if !unsafe { sched::short_tick(frame, now) } {
        serve_due(frame, now);
    }
}

#[inline(never)]
fn serve_due(frame: &mut TrapFrame, now: u64) {
    // SAFETY: as above.
    if !unsafe { sched::tick(frame, now) } {
        look_closely(frame, now);
    }
}

#[inline(never)]
fn look_closely(frame: &TrapFrame, now: u64) {
    time::note_fired();
    sched::careful_tick(frame.from_user(), now);
    attendant::serve_input();
}

#[inline(never)]
fn other_call(frame: &mut TrapFrame) {
    syscall::handle(frame);
    attendant::serve_input();
}

/// Every other interrupt, and every exception.
#[inline(never)]
fn other(frame: &mut TrapFrame) {
    match frame.vector {
        vector::KEYBOARD => device(terminal::keyboard_interrupt),
        vector::SERIAL => device(serial),
        // Counted by the entry code; a spurious one wants no end-of-interrupt either
        // (SDM volume 3, section 11.9).
        vector::NMI | vector::SPURIOUS => {}
        pic::SPURIOUS_FIRST | pic::SPURIOUS_SECOND => {
            pic::spurious(frame.vector);
        }
        vector if vector < vector::FIRST_INTERRUPT => exception(frame),
        // Nothing is routed here: only hardware gone wrong can raise it, and no program pays.
        _ => apic::end_of_interrupt(),
    }
    attendant::serve_input();
}

fn device(handle: fn()) {
    handle();
    apic::end_of_interrupt();
}

fn serial() {
    if terminal::serial_interrupt().wake_writers {
        TABLE.with(|table| {
            table.wake_output(rdtsc());
            time::arm(table.next_due());
        });
    }
}

/// An exception ends the process that caused it; one of the kernel's own ends everything.
fn exception(frame: &mut TrapFrame) {
    let address = if frame.vector == vector::PAGE_FAULT { cpu::read_cr2() } else { 0 };
    // A double fault is the kernel's own failure, whoever was interrupted (SDM volume 3, 6.15).
    if !frame.from_user() || frame.vector == vector::DOUBLE_FAULT {
        panic!(
            "exception {} in the kernel: error={:#x} addr={address:#x}\n{frame:?}",
            frame.vector, frame.error
        );
    }
    if frame.vector == vector::PAGE_FAULT {
        match serve_page_fault(address, frame.error) {
            Ok(()) => return,
            Err(SpaceError::OutOfMemory | SpaceError::OverLimit) => {
                let starved = Starved { address, rip: frame.rip };
                sched::exit(ExitStatus::OutOfMemory(starved));
            }
            Err(SpaceError::NotAllowed | SpaceError::BadRange) => {}
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "exceptions have vectors below 32")]
    let vector = frame.vector as u8;
    let fault = Fault { vector, error: frame.error, address, rip: frame.rip };
    sched::exit(ExitStatus::Faulted(fault));
}

/// Gives the program the page it has a right to but has not touched before.
fn serve_page_fault(address: u64, error: u64) -> Result<(), SpaceError> {
    const WRITE: u64 = 1 << 1;
    const FETCH: u64 = 1 << 4;
    let access = match (error & WRITE != 0, error & FETCH != 0) {
        (_, true) => Access::Execute,
        (true, false) => Access::Write,
        (false, false) => Access::Read,
    };
    TABLE.with(|table| {
        let slot = sched::running(table);
        let program = table[slot].machine().program.as_ref().ok_or(SpaceError::NotAllowed)?;
        PROGRAMS.with(|all| all[program].space.fault_in(address, access))?;
        table.count_fault(slot);
        Ok(())
    })
}
