//! Anything at all happening in any order: nothing panics, no line is torn, the echo stays true.

use super::rig::{COLUMNS, Rig, row_text};
use crate::tty::{Cell, FOCUS_BYTE, Grid, LINE_MAX};
use proptest::prelude::{
    ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

#[derive(Clone, Debug)]
enum Step {
    Keys(Vec<u8>),
    Write(u64, u64, String),
    Line(u32),
    Read(u64, usize),
    Ended(u64),
    Close(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![
        4 => "[a-z ]".prop_map(String::into_bytes),
        1 => proptest::sample::select(vec![
            &b"\r"[..], b"\x7f", b"\x1b[D", b"\x1b[C", b"\x1b[A", b"\x1b[B", b"\x1b[3~", b"\x01", b"\x05",
            b"\t", b"\x15", b"\x17", b"\x03", b"\x04", b"\x0b", b"\x1b", b"\xff", &[FOCUS_BYTE],
        ]).prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        4 => proptest::collection::vec(key, 0..12).prop_map(|keys| Step::Keys(keys.concat())),
        4 => (1..6_u64, 1..4_u64, "([a-z ]{0,30}|\n|\t|\r|\x08|\x1b\\[31m|\x1b\\[m|é|\x1b){0,6}")
            .prop_map(|(pid, leader, text)| Step::Write(pid, leader, text)),
        2 => any::<u32>().prop_map(Step::Line),
        1 => (1..4_u64, 0..100_usize).prop_map(|(leader, max)| Step::Read(leader, max)),
        1 => (1..6_u64).prop_map(Step::Ended),
        1 => (1..4_u64).prop_map(Step::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn lines_of_the_kernel_are_never_torn(steps in proptest::collection::vec(step(), 0..60)) {
        let mut rig = Rig::new(&[1, 2, 3]);
        let mut numbers = Vec::new();
        for step in steps {
            match step {
                Step::Keys(keys) => {
                    rig.keys(keys);
                }
                Step::Write(pid, leader, text) => rig.write(pid, leader, text),
                Step::Line(number) => {
                    numbers.push(number);
                    rig.line(&format!("[kernel] line {number}"));
                }
                Step::Read(leader, max) => drop(rig.read(leader, max)),
                Step::Ended(pid) => rig.ended(pid),
                Step::Close(leader) => rig.close(leader),
            }
        }
        let sent = rig.take();
        let mut expected = numbers.iter().map(|number| format!("[kernel] line {number}"));
        let rows = sent.matches('\n').count() + sent.len() / COLUMNS + 1;
        let mut cells = vec![Cell::BLANK; rows * COLUMNS];
        let mut grid = Grid::new(COLUMNS, &mut cells).unwrap();
        grid.write(sent.as_bytes());
        for row in (0..rows).map(|row| row_text(&grid, row)) {
            if row.contains("[kernel] line") {
                prop_assert_eq!(Some(row), expected.next());
            }
        }
        prop_assert_eq!(expected.next(), None);
    }

    #[test]
    fn the_echo_shows_the_line(steps in proptest::collection::vec(step(), 0..40)) {
        let mut rig = Rig::new(&[1]);
        rig.write(1, 1, "> ");
        for step in steps {
            if let Step::Keys(keys) = step {
                let plain = |byte: &u8| !matches!(byte, b'\r' | 0x03 | 0x04 | b'\x1b' | 0xff) && *byte != FOCUS_BYTE;
                rig.keys(keys.into_iter().filter(plain).collect::<Vec<_>>());
                if let Some(editor) = rig.terminal.typed() {
                    let line = String::from_utf8(editor.line().to_vec()).unwrap();
                    let shown = rig.screen();
                    let shown = shown.last().unwrap().strip_prefix('>').unwrap().trim();
                    prop_assert!(line.contains(shown), "{line:?} {shown:?}");
                    prop_assert!(line.len() >= 70 || line.trim() == shown, "{line:?} {shown:?}");
                }
            }
            prop_assert!(rig.terminal.typed().is_none_or(|editor| editor.line().len() <= LINE_MAX));
        }
    }
}
