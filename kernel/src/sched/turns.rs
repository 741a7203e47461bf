//! The short way of a switch: where nothing wants a longer look, the turn passes to the next task.
//!
//! Everything that the long way checks by name is part of one word, `attention`, or cannot be
//! otherwise here: the kernel was entered from ring 3, with interrupts off, and has done nothing yet.
//! `orbital_core::table` says who is next, and its tests hold that equal to what the policy decides.

use core::ptr;

use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_arch::switch::TaskContext;
use orbital_core::process::Pid;
use orbital_core::table::{Tick, TurnEnd};
use orbital_core::trace::{Event, Why};

use super::{TABLE, TRACE, leave};
use crate::{attention, time};

/// The running process lets the next one run, if the turn passes to the next in the queue and nobody
/// wants to look closer; else returns, and nothing has happened.
#[inline(always)]
pub(crate) fn pass_turn(frame: &mut TrapFrame) {
    if attention::is_needed() {
        return;
    }
    let now = rdtsc();
    // SAFETY: no lock is held, or attention would be needed, and the table takes none.
    let passed = unsafe { TABLE.with_alone(|table| table.pass_turn(TurnEnd::Yielded, now)) };
    if let Some(context) = passed {
        passed_to(frame, context, Why::Yielded, now);
    }
}

/// The timer has fired: what there is to do if that is only to wait longer, or to pass the turn in
/// the short way. Whether that was all.
///
/// # Safety
/// The timer has fired.
#[inline(always)]
pub(crate) unsafe fn short_tick(frame: &mut TrapFrame, now: u64) -> bool {
    if attention::is_needed() {
        return false;
    }
    // SAFETY: no lock is held, or attention would be needed, and the table takes none.
    match unsafe { TABLE.with_alone(|table| table.short_tick(now)) } {
        // SAFETY: it has (caller).
        Some(tick) => unsafe { after_tick(frame, tick, now) },
        None => false,
    }
}

/// As [`short_tick`], but also wakes who is due, and asks the policy. Not if no task runs.
///
/// # Safety
/// The timer has fired.
#[inline(always)]
pub(crate) unsafe fn tick(frame: &mut TrapFrame, now: u64) -> bool {
    if attention::is_needed() {
        return false;
    }
    // SAFETY: no lock is held, or attention would be needed, and the table takes none.
    let tick = unsafe { TABLE.with_alone(|table| table.tick(now)) };
    // SAFETY: it has (caller).
    unsafe { after_tick(frame, tick, now) }
}

/// Does what is to be done about an interrupt of the timer; whether that is anything.
///
/// # Safety
/// The timer has fired.
#[inline(always)]
unsafe fn after_tick(frame: &mut TrapFrame, tick: Tick, now: u64) -> bool {
    match tick {
        // SAFETY: it has (caller).
        Tick::GoesOn(due) => unsafe { time::arm_again(due, now) },
        Tick::Passed(context, due) => {
            // SAFETY: it has (caller).
            unsafe { time::arm_again(due, now) };
            // A task ran, and the kernel takes interrupts only where none does: so from ring 3.
            passed_to(frame, context, Why::SliceUsedUp, now)
        }
        Tick::Idle => return false,
    }
    true
}

/// Records that the turn was passed to the task of `context`, and switches to it.
#[inline(always)]
fn passed_to(frame: &mut TrapFrame, context: usize, why: Why, now: u64) -> ! {
    let next: *mut TaskContext = ptr::with_exposed_provenance_mut(context);
    // SAFETY: the context of a task that has not ended.
    let to = Pid(unsafe { (*next).id });
    // SAFETY: the frame is one of an entry from ring 3, so that of the running task.
    let from = Pid(unsafe { (*TaskContext::above(frame)).id });
    let event = Event { time: now, rip: frame.rip, from, to, why, cpu: 0 };
    // SAFETY: nothing is held (callers), and a ring takes no lock.
    unsafe { TRACE.with_alone(|ring| ring.record(event)) };
    leave(frame, next)
}
