//! What is typed takes effect here: lines reach their readers, Control-C its victim.
//!
//! [`serve_input`] is called on the way out of the kernel, from whatever was interrupted, so that
//! keys work under a policy that never takes the CPU from a program too. Drawing the screen takes
//! longer and can wait: that is the life of the terminal's task, [`main`], a task like any other in
//! the ready queue.

use orbital_arch::clock::rdtsc;
use orbital_core::process::{ExitStatus, Pid, ProcState, WaitFor};

use crate::boot;
use crate::process;
use crate::sched::{self, TABLE};
use crate::terminal::{self, Request, Turn};
use crate::time;

/// The life of the terminal's task: it sleeps until there is something to show.
pub(crate) fn main() -> ! {
    loop {
        match terminal::show() {
            Turn::More => sched::yield_now(),
            Turn::Idle => sched::block(WaitFor::Work),
        }
    }
}

/// Serves what has been typed, if anything has, and wakes the terminal's task. Does not return if
/// that ended the process that is running: the last thing before the kernel is left.
#[inline]
pub(crate) fn serve_input() {
    if terminal::take_work() {
        serve();
    }
}

#[cold]
fn serve() {
    let mut killed_by = None;
    terminal::take_input(&boot::get().ramdisk, &mut |request| match request {
        Request::Ready(session) => wake_readers(session),
        Request::Interrupt(session) => killed_by = killed_by.or(interrupt(session)),
    });
    TABLE.with(|table| {
        table.wake_kernel_task(Pid::TERMINAL, rdtsc());
        time::arm(table.next_due());
    });
    if let Some(session) = killed_by {
        sched::exit(ExitStatus::Killed(session));
    }
}

fn wake_readers(session: Pid) {
    TABLE.with(|table| table.wake_input(|machine| machine.session == session, rdtsc()));
}

/// Control-C: ends the program that the session's leader waits for, and those which that one waits
/// for in turn. A leader that waits for a command gets an empty one, and asks again. Of a leader
/// that could go on, it ends the program that keeps the CPU from it.
///
/// The running process cannot be taken apart here: if it is to end, the session is returned.
fn interrupt(session: Pid) -> Option<Pid> {
    let mut next = waits_for(session);
    if next == Some(WaitFor::Input) && terminal::push_empty_line(session) {
        wake_readers(session);
    }
    let mut ends_running = next.is_none() && keeps_the_cpu(session);
    while let Some(WaitFor::Child(child)) = next {
        next = waits_for(child);
        if is_running(child) {
            ends_running = true;
        } else {
            process::kill(session, child);
        }
    }
    ends_running.then_some(session)
}

fn waits_for(pid: Pid) -> Option<WaitFor> {
    TABLE.with(|table| match table[table.find(pid)?].state() {
        ProcState::Blocked(wait) => Some(wait),
        ProcState::Embryo | ProcState::Ready | ProcState::Running | ProcState::Exited(_) => None,
    })
}

fn is_running(pid: Pid) -> bool {
    TABLE.with(|table| table.running().is_some_and(|slot| table[slot].pid() == pid))
}

/// Whether a program of the session runs that its leader, which is ready, gets no turn from.
fn keeps_the_cpu(session: Pid) -> bool {
    TABLE.with(|table| {
        table.running().is_some_and(|slot| {
            let running = &table[slot];
            running.machine().session == session && running.pid() != session
        }) && table.runs_without_end()
    })
}
