//! Line editing, and what a program gets to read.

use super::rig::Rig;
use crate::process::Pid;
use crate::tty::{Event, LINE_MAX};
use std::format;
use std::string::String;

const READY: Event = Event::Ready(Pid(1));

/// What a program reads after these keys and Enter; the screen must show the same line.
fn typed(keys: &str) -> String {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "> ");
    rig.keys(keys);
    let shown = rig.screen().pop().unwrap();
    assert_eq!(rig.keys("\r"), READY);
    let line = rig.read(1, 4096).unwrap();
    assert_eq!(shown, format!("> {}", line.trim_end()).trim_end(), "screen and line differ");
    line
}

#[test]
fn a_line_is_echoed_and_read_whole() {
    let mut rig = Rig::new(&[1]);
    assert_eq!(rig.keys("help"), Event::Nothing);
    assert_eq!(rig.read(1, 100), None);
    assert_eq!(rig.keys("\n"), READY);
    assert_eq!(rig.take(), "help\r\n");
    assert_eq!(rig.read(1, 100).as_deref(), Some("help\n"));
    assert_eq!(rig.read(1, 100), None);
}

#[test]
fn keys_edit_the_line() {
    for (keys, line) in [
        ("helo\x08lo", "hello\n"),
        ("\x7fab\x7f\x7f\x7fx", "x\n"),
        ("bc\x1b[Ha\x1b[Fd", "abcd\n"),
        ("ac\x1b[Db\x1b[Cd", "abcd\n"),
        ("bc\x01a\x05d", "abcd\n"),
        ("abcd\x1b[D\x1b[D\x7f", "acd\n"),
        ("abc\x1b[1~\x1b[3~", "bc\n"),
        ("abc\x1b[H\x04", "bc\n"),
        ("one two\x15three", "three\n"),
        ("one two  \x17three", "one three\n"),
        ("one two\x1b[D\x1b[D\x1b[D\x0bthree", "one three\n"),
        ("a\x1b[15~\x1b[1;5Tb\x1bOc\x1b[200;3;4zd", "abd\n"),
        ("a\x00\x1c\u{e9}b", "ab\n"),
        ("a\x1b\x1b[Db", "ba\n"),
    ] {
        assert_eq!(typed(keys), line, "{keys:?}");
    }
}

#[test]
fn carriage_return_line_feed_is_one_enter() {
    let mut rig = Rig::new(&[1]);
    rig.keys("a\r\nb\n\nc\r\r");
    for line in ["a\n", "b\n", "\n", "c\n", "\n"] {
        assert_eq!(rig.read(1, 100).as_deref(), Some(line));
    }
    assert_eq!(rig.read(1, 100), None);
}

#[test]
fn arrows_bring_older_lines_back() {
    let mut rig = Rig::new(&[1]);
    rig.keys("first\rsecond\rsecond\r\r");
    (0..4).for_each(|_| drop(rig.read(1, 100)));
    rig.keys("\x1b[A\x1b[A\x1b[A");
    assert_eq!(rig.screen().pop().as_deref(), Some("first"), "stops at the oldest");
    rig.keys("\x1bOB!\r");
    assert_eq!(rig.read(1, 100).as_deref(), Some("second!\n"));
    rig.keys("\x10\x0e\x0ex\r");
    assert_eq!(rig.read(1, 100).as_deref(), Some("x\n"));
}

#[test]
fn the_oldest_lines_are_forgotten_when_there_are_too_many() {
    let mut rig = Rig::new(&[1]);
    for number in 0..300 {
        rig.keys(format!("line {number}\r"));
        rig.read(1, 100);
    }
    rig.keys("\x1b[A".repeat(400));
    let shown = rig.screen().pop().unwrap();
    let oldest: u32 = shown.strip_prefix("line ").unwrap().parse().unwrap();
    assert!((150..250).contains(&oldest), "{oldest}");
}

#[test]
fn tab_completes_what_is_unambiguous() {
    assert_eq!(typed("he\tx"), "hello x\n");
    assert_eq!(typed("spawn p\ti\t now"), "spawn ping  now\n");
    assert_eq!(typed("spawn p\to\t"), "spawn pong \n");
    assert_eq!(typed("zz\t"), "zz\n");
    assert_eq!(typed("xhe\t"), "xhe\n");
}

#[test]
fn tab_lists_what_is_ambiguous_and_keeps_the_line() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "> ");
    rig.keys("run p\t");
    assert_eq!(rig.screen(), ["ping  pong", "> run p"]);
    rig.keys("o\t\r");
    assert_eq!(rig.read(1, 100).as_deref(), Some("run pong \n"));
}

#[test]
fn a_long_line_shows_the_part_around_the_cursor() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "> ");
    let line: String = (0..30).map(|number| format!("word{number} ")).collect();
    rig.keys(&line);
    let shown = |rig: &Rig| String::from(rig.screen().last().unwrap().trim_start_matches("> "));
    assert!(shown(&rig).ends_with("word28 word29"), "{}", shown(&rig));
    assert_eq!(rig.screen().len(), 1);
    rig.keys("\x01!");
    assert!(shown(&rig).starts_with("!word0 word1"), "{}", shown(&rig));
    rig.line("[kernel] line");
    assert!(shown(&rig).starts_with("!word0 word1"));
    rig.keys("\x05?");
    assert!(shown(&rig).ends_with("word29 ?"), "{}", shown(&rig));
    rig.keys("\x7f".repeat(120));
    let left = &format!("!{line}?")[..line.len() + 2 - 120];
    assert!(!shown(&rig).is_empty() && left.trim_end().ends_with(&shown(&rig)), "{}", shown(&rig));
    rig.keys("\r");
    assert_eq!(rig.read(1, 999), Some(format!("{left}\n")));
}

#[test]
fn control_d_ends_the_input_once_and_in_order() {
    let mut rig = Rig::new(&[1]);
    rig.keys("a\r");
    assert_eq!(rig.keys("\x04"), READY);
    rig.keys("b\r");
    assert_eq!(rig.read(1, 9).as_deref(), Some("a\n"));
    assert_eq!(rig.read(1, 9).as_deref(), Some("<end>"));
    assert_eq!(rig.read(1, 9).as_deref(), Some("b\n"));
    assert_eq!(rig.read(1, 9), None);
}

#[test]
fn control_c_drops_what_was_typed_and_is_reported() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "> ");
    rig.keys("old\rhal");
    assert_eq!(rig.keys("\x03"), Event::Interrupt(Pid(1)));
    assert_eq!(rig.read(1, 100), None);
    assert!(rig.terminal.push_empty_line(Pid(1)));
    assert_eq!(rig.read(1, 100).as_deref(), Some("\n"));
    assert_eq!(rig.screen(), ["> old", "hal^C", ""]);
}

#[test]
fn a_short_read_leaves_the_rest_of_the_line() {
    let mut rig = Rig::new(&[1]);
    rig.keys("abcdef\rgh\r");
    assert_eq!(rig.read(1, 4).as_deref(), Some("abcd"));
    assert_eq!(rig.read(1, 4).as_deref(), Some("ef\n"));
    assert_eq!(rig.read(1, 4).as_deref(), Some("gh\n"));
    assert_eq!(rig.read(1, 0), None);
}

#[test]
fn a_line_longer_than_the_limit_loses_its_end_and_says_so() {
    let mut rig = Rig::new(&[1]);
    rig.keys("x".repeat(LINE_MAX + 10));
    assert!(rig.take().ends_with(&"\x07".repeat(10)));
    assert_eq!(rig.terminal.take_dropped(), None, "said once, with the line");
    rig.keys("\r");
    assert_eq!(rig.read(1, 4096).unwrap().len(), LINE_MAX + 1);
    assert_eq!(rig.terminal.take_dropped(), Some((Pid(1), 10)));
    assert_eq!(rig.terminal.take_dropped(), None);
}

#[test]
fn a_flood_of_lines_drops_the_newest_whole_and_counts_them() {
    let mut rig = Rig::new(&[1]);
    for number in 0..1000 {
        rig.keys(format!("{number:07}\r"));
    }
    for number in 0..128 {
        assert_eq!(rig.read(1, 100), Some(format!("{number:07}\n")));
    }
    assert_eq!(rig.read(1, 100), None);
    assert_eq!(rig.terminal.take_dropped(), Some((Pid(1), (1000 - 128) * 8)));
}

#[test]
fn nobody_reads_from_a_session_that_is_not_there() {
    let mut rig = Rig::new(&[]);
    assert_eq!(rig.keys("lost\r"), Event::Nothing);
    assert_eq!(rig.read(7, 100).as_deref(), Some("<end>"));
    assert!(!rig.terminal.push_empty_line(Pid(7)));
}
