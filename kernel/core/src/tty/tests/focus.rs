//! Which session the keys go to, and what its screen looks like.

use super::rig::Rig;
use crate::process::Pid;
use crate::tty::{Event, FOCUS_BYTE, FUNCTION_KEYS, MAX_SESSIONS, NoSession, Terminal};
use std::vec::Vec;

const NEXT: [u8; 1] = [FOCUS_BYTE];

#[test]
fn the_first_session_has_the_focus_and_the_key_moves_it_in_a_circle() {
    let mut rig = Rig::new(&[1, 2, 3]);
    for leader in [1, 2, 3, 1] {
        assert_eq!(rig.terminal.focused_leader(), Some(Pid(leader)));
        assert_eq!(rig.keys("x\r"), Event::Ready(Pid(leader)));
        rig.keys(NEXT);
    }
}

#[test]
fn a_function_key_gives_the_focus_by_number() {
    let mut rig = Rig::new(&(1..=12).map(|number| number * 10).collect::<Vec<_>>());
    for (index, bytes) in FUNCTION_KEYS.iter().enumerate().rev() {
        rig.keys(bytes);
        assert_eq!(rig.terminal.focused_leader(), Some(Pid(index as u64 * 10 + 10)));
    }
    rig.close(20);
    rig.keys(FUNCTION_KEYS[1]);
    assert_eq!(rig.terminal.focused_leader(), Some(Pid(30)));
    rig.take();
    rig.keys(FUNCTION_KEYS[11]);
    assert_eq!((rig.terminal.focused_leader(), rig.take().as_str()), (Some(Pid(30)), ""));
}

#[test]
fn each_session_keeps_its_prompt_and_its_typed_line() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "one> ");
    rig.write(2, 2, "two> ");
    assert_eq!(rig.screen(), ["one> "].map(str::trim_end));
    rig.keys("abc");
    rig.keys(NEXT);
    assert_eq!(rig.screen(), ["[kernel] focus: pid 2 (Ctrl-O moves it)", "two>"]);
    rig.keys("xyz\x1b[D");
    rig.keys(NEXT);
    assert_eq!(rig.screen().pop().as_deref(), Some("one> abc"));
    rig.keys(NEXT);
    assert_eq!(rig.screen().pop().as_deref(), Some("two> xyz"));
    assert_eq!(rig.column(), 7);
    rig.keys("!\r");
    assert_eq!(rig.read(2, 100).as_deref(), Some("xy!z\n"));
    assert_eq!(rig.read(1, 100), None);
}

#[test]
fn the_focus_moves_on_when_its_session_is_closed() {
    let mut rig = Rig::new(&[1, 2, 3]);
    assert_eq!(rig.read(2, 1), None);
    rig.write(2, 2, "two> ");
    rig.write(1, 1, "one> ");
    rig.keys("abc");
    rig.ended(1);
    rig.close(1);
    assert_eq!(rig.screen(), ["one>", "[kernel] focus: pid 2 (Ctrl-O moves it)", "two>"]);
    rig.close(3);
    rig.keys(NEXT);
    assert_eq!(rig.terminal.focused_leader(), Some(Pid(2)));
    rig.close(2);
    assert_eq!(rig.terminal.focused_leader(), None);
}

#[test]
fn the_focus_moves_silently_between_programs_that_never_read() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(2, 2, "half a li");
    rig.close(1);
    rig.write(2, 2, "ne\n");
    assert_eq!(rig.take(), "half a line\r\n");
}

#[test]
fn a_closed_session_can_be_opened_by_another_and_starts_clean() {
    let mut rig = Rig::new(&[1]);
    rig.keys("secret\rhalf");
    rig.close(1);
    rig.terminal.open(Pid(9)).unwrap();
    assert_eq!(rig.read(9, 100), None);
    rig.keys("\x1b[A\r");
    assert_eq!(rig.read(9, 100).as_deref(), Some("\n"));
    assert_eq!(rig.read(1, 100).as_deref(), Some("<end>"));
}

#[test]
fn a_terminal_without_room_shows_the_kernels_lines() {
    let mut terminal = Terminal::empty();
    assert_eq!(terminal.open(Pid(1)), Err(NoSession));
    let mut sent = Vec::new();
    terminal.line(format_args!("[kernel] boots"), &mut |bytes| sent.extend_from_slice(bytes));
    assert_eq!(sent, b"[kernel] boots\r\n");
    assert_eq!(Terminal::try_new(1).unwrap().open(Pid(1)), Ok(()));
}

#[test]
fn sixty_four_sessions_open_and_one_more_does_not() {
    let mut rig = Rig::new(&(1..=64).collect::<Vec<_>>());
    assert_eq!(MAX_SESSIONS, 64);
    assert_eq!(rig.terminal.open(Pid(65)), Err(NoSession));
    for _ in 0..63 {
        rig.keys(NEXT);
    }
    assert_eq!(rig.terminal.focused_leader(), Some(Pid(64)));
}
