//! The terminal's task: gives `terminal` its turns, and tells the scheduler what came of them.
//!
//! It sleeps until a key, or output that the screen has not shown, wakes it; it is a task like any
//! other in the ready queue.

use orbital_core::process::{Pid, ProcState, WaitFor};

use crate::process;
use crate::ramdisk::Ramdisk;
use crate::sched::{self, TABLE};
use crate::terminal::{self, Request, Turn};

/// The task's life.
pub(crate) fn main(ramdisk: &Ramdisk) -> ! {
    loop {
        match terminal::serve(ramdisk, &mut attend) {
            Turn::More => sched::yield_now(),
            Turn::Idle => sched::block(WaitFor::Work),
        }
    }
}

fn attend(request: Request) {
    match request {
        Request::Ready(session) => wake_readers(session),
        Request::Interrupt(session) => interrupt(session),
    }
}

fn wake_readers(session: Pid) {
    TABLE.with(|table| table.wake_input(|machine| machine.session == session));
}

/// Control-C: ends the program that the session's leader waits for, and those which that one waits
/// for in turn. A leader that waits for a command gets an empty one, and asks again.
fn interrupt(session: Pid) {
    let mut next = waits_for(session);
    if next == Some(WaitFor::Input) && terminal::push_empty_line(session) {
        wake_readers(session);
    }
    while let Some(WaitFor::Child(child)) = next {
        next = waits_for(child);
        process::kill(session, child);
    }
}

fn waits_for(pid: Pid) -> Option<WaitFor> {
    TABLE.with(|table| match table[table.find(pid)?].state() {
        ProcState::Blocked(wait) => Some(wait),
        ProcState::Embryo | ProcState::Ready | ProcState::Running | ProcState::Exited(_) => None,
    })
}
