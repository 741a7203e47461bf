//! What is typed takes effect here: lines reach their readers, Control-C its victim.
//!
//! [`serve_input`] is called on the way out of the kernel, from whatever was interrupted, so that
//! keys work under a policy that never takes the CPU from a program too. Drawing the screen takes
//! longer and can wait: that is the life of the terminal's task, [`main`], a task like any other in
//! the ready queue.

use core::sync::atomic::{AtomicU64, Ordering};

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

/// The session whose Control-C waits for its leader, which is about to wait for something itself.
static PENDING: AtomicU64 = AtomicU64::new(NOBODY);
const NOBODY: u64 = Pid::IDLE.0;

#[cold]
fn serve() {
    terminal::take_input(&boot::get().ramdisk, &mut |request| match request {
        Request::Ready(session) => wake_readers(session),
        Request::Interrupt(session) => PENDING.store(session.0, Ordering::Relaxed),
    });
    let session = Pid(PENDING.swap(NOBODY, Ordering::Relaxed));
    let taken = if session.0 == NOBODY { Taken::Done } else { interrupt(session) };
    TABLE.with(|table| {
        table.wake_kernel_task(Pid::TERMINAL, rdtsc());
        time::arm(table.next_due());
    });
    match taken {
        Taken::Done => {}
        Taken::Later => {
            PENDING.store(session.0, Ordering::Relaxed);
            terminal::note_work();
        }
        Taken::EndsRunning => sched::exit(ExitStatus::Killed(session)),
    }
}

fn wake_readers(session: Pid) {
    TABLE.with(|table| table.wake_input(|machine| machine.session == session, rdtsc()));
}

/// What came of a Control-C.
enum Taken {
    Done,
    /// The leader is on its way to wait for a command or a program: to be tried again then.
    Later,
    /// The running process is to end, which it cannot while it is being looked at.
    EndsRunning,
}

/// Control-C: ends the program that the session's leader waits for, and those which that one waits
/// for in turn. A leader that waits for a command gets an empty one, and asks again. Of a leader
/// that could go on, it ends the program that keeps the CPU from it.
fn interrupt(session: Pid) -> Taken {
    let Some(mut next) = waits_for(session) else {
        return if keeps_the_cpu(session) {
            Taken::EndsRunning
        } else if is_alive(session) {
            Taken::Later
        } else {
            Taken::Done
        };
    };
    if next == WaitFor::Input && terminal::push_empty_line(session) {
        wake_readers(session);
    }
    let mut taken = Taken::Done;
    while let WaitFor::Child(child) = next {
        let waits = waits_for(child);
        if is_running(child) {
            taken = Taken::EndsRunning;
        } else {
            process::kill(session, child);
        }
        match waits {
            Some(further) => next = further,
            None => break,
        }
    }
    taken
}

fn is_alive(pid: Pid) -> bool {
    TABLE.with(|table| {
        table
            .find(pid)
            .is_some_and(|slot| !matches!(table.task(slot).state(), ProcState::Exited(_)))
    })
}

fn waits_for(pid: Pid) -> Option<WaitFor> {
    TABLE.with(|table| match table.task(table.find(pid)?).state() {
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
