//! The terminal: what programs and the scheduler see of the console.
//!
//! Programs' calls come to [`write()`], [`read`] and [`clear`]; the launcher opens and closes
//! sessions; interrupt handlers bring what is typed, [`take_input`] makes lines of it; and [`show`]
//! is a turn of the terminal's own task. Nothing here blocks or wakes anybody: who must wait or may
//! go on is said in the results, and `terminal`'s callers tell the scheduler.

mod input;

use bootloader_api::BootInfo;
use orbital_core::process::Pid;
use orbital_core::tty::{Event, Terminal};

use crate::console;
use crate::ramdisk::Ramdisk;

pub(crate) use console::{note_work, take_work};
pub(crate) use input::keyboard_interrupt;
pub(crate) use orbital_core::tty::Read;

/// There is no room in the output now: the writer waits for [`SerialInterrupt::wake_writers`].
///
/// [`SerialInterrupt::wake_writers`]: console::Interrupt::wake_writers
pub(crate) struct Full;

/// What was typed, for the scheduler.
pub(crate) enum Request {
    /// Something can be read in the session of this leader: wake who waits for it.
    Ready(Pid),
    /// Control-C in the session of this leader.
    Interrupt(Pid),
}

/// Whether the terminal's task has more to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Yes: others shall have a turn first.
    More,
    /// Not until [`take_work`] says so.
    Idle,
}

/// Starts screen and keyboard, and makes room for that many sessions. Called once, when memory can
/// be allocated. `None` if there is too little.
pub(crate) fn init(info: &mut BootInfo, sessions: usize) -> Option<()> {
    let made = Terminal::try_new(sessions)?;
    console::TERMINAL.with(|terminal| *terminal = made);
    if let Some(framebuffer) = info.framebuffer.take() {
        console::start_screen(framebuffer);
    }
    input::init();
    Some(())
}

/// Takes input from now on; once, when the interrupts have been routed.
pub(crate) fn enable_interrupts() {
    console::with_output(|output| output.enable_receive_interrupt());
    // What was typed before has interrupted nobody; a key pressed before would even keep the
    // keyboard's line up, and no edge would ever come.
    keyboard_interrupt();
    serial_interrupt();
}

/// Writes for a program: all of it, or nothing if there is no room now.
pub(crate) fn write(pid: Pid, session: Pid, bytes: &[u8]) -> Result<(), Full> {
    console::with_terminal(|terminal, output| {
        if !output.has_room(bytes) {
            return Err(Full);
        }
        terminal.write(pid, Some(session), bytes, &mut |bytes| output.push(bytes));
        output.pump();
        Ok(())
    })
}

/// Reads at most one line of a session into `buffer`.
pub(crate) fn read(session: Pid, buffer: &mut [u8]) -> Read {
    let mut at = 0;
    console::TERMINAL.with(|terminal| {
        terminal.read(Some(session), buffer.len(), &mut |bytes| {
            let end = at + bytes.len();
            if let Some(place) = buffer.get_mut(at..end) {
                place.copy_from_slice(bytes);
            }
            at = end;
        })
    })
}

/// Clears the screen, if the session has the focus.
pub(crate) fn clear(session: Pid) {
    console::with_terminal(|terminal, output| {
        terminal.clear_screen(Some(session), &mut |bytes| output.push(bytes));
        output.pump();
    });
}

/// Opens a session for a program that the launcher starts. Without room, it has none: its output
/// comes line by line, and its input is at an end.
pub(crate) fn open_session(leader: Pid) {
    if console::TERMINAL.with(|terminal| terminal.open(leader)).is_err() {
        console::log(format_args!("[kernel] pid {leader} has no terminal session"));
    }
}

/// Closes a session; the focus moves on.
pub(crate) fn close_session(leader: Pid) {
    console::with_terminal(|terminal, output| {
        terminal.close(leader, &mut |bytes| output.push(bytes));
        output.pump();
    });
}

/// Shows what a program that has ended wrote without a line end.
pub(crate) fn process_ended(pid: Pid) {
    console::with_terminal(|terminal, output| {
        terminal.ended(pid, &mut |bytes| output.push(bytes));
        output.pump();
    });
}

/// Gives the session an empty line to read: what Control-C means to a program that waits for a
/// command. Whether there was room for it.
pub(crate) fn push_empty_line(session: Pid) -> bool {
    console::TERMINAL.with(|terminal| terminal.push_empty_line(session))
}

/// The serial port has interrupted.
pub(crate) fn serial_interrupt() -> console::Interrupt {
    console::with_output(|output| output.interrupt(&mut input::received))
}

/// Makes lines of what was typed. `request` is called without any lock held.
pub(crate) fn take_input(ramdisk: &Ramdisk, request: &mut dyn FnMut(Request)) {
    let mut complete = |prefix: &[u8], candidate: &mut dyn FnMut(&[u8])| {
        let names = ramdisk.programs().map(|program| program.name.as_bytes());
        names.filter(|name| name.starts_with(prefix)).for_each(candidate);
    };
    while let Some(byte) = input::take() {
        let event = console::with_terminal(|terminal, output| {
            let event = terminal.input(byte, &mut complete, &mut |bytes| output.push(bytes));
            output.pump();
            event
        });
        match event {
            Event::Nothing => {}
            Event::Ready(session) => request(Request::Ready(session)),
            Event::Interrupt(session) => request(Request::Interrupt(session)),
        }
    }
}

/// A turn of the terminal's task: says what input was lost, and draws some of what the screen has
/// not shown yet.
pub(crate) fn show() -> Turn {
    report_losses();
    if console::with_output(|output| output.draw()) {
        return Turn::More;
    }
    // All that was written has been drawn; only what was typed before the first program is left.
    if input::is_empty() {
        take_work();
    }
    Turn::Idle
}

/// Waits until everything written is out, before the machine is left.
pub(crate) fn drain() {
    console::with_output(|output| output.flush());
}

fn report_losses() {
    let lost = input::take_dropped();
    if lost > 0 {
        console::log(format_args!("[kernel] input: {lost} bytes dropped, they came too fast"));
    }
    while let Some((session, lost)) = console::TERMINAL.with(|terminal| terminal.take_dropped()) {
        console::log(format_args!("[kernel] input of pid {session}: {lost} bytes dropped"));
    }
}
