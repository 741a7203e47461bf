//! What of a program's output reaches the screen.

use super::rig::Rig;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use std::string::String;
use std::vec::Vec;

fn passed(bytes: &[u8]) -> String {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, bytes);
    rig.take()
}

#[test]
fn text_colours_and_clearing_pass() {
    for text in
        ["plain ~", "\x1b[m", "\x1b[1;38;5;12mx\x1b[0m", "\x1b[2J", "\x1b[K", "é€😀", "\x1b[H"]
    {
        assert_eq!(passed(text.as_bytes()), text);
    }
}

#[test]
fn sequences_that_move_report_or_configure_are_swallowed() {
    for sequence in [
        "\x1b[5;5H",
        "\x1b[A",
        "\x1b[6n",
        "\x1b[c",
        "\x1b[?1049h",
        "\x1b[?25l",
        "\x1b[!p",
        "\x1b[2 q",
        "\x1b[>4;2m",
        "\x1b]0;title\x07",
        "\x1b]52;c;AAAA\x1b\\",
        "\x1bPq#0\x1b\\",
        "\x1bc",
        "\x1b7",
        "\x1b(0",
        "\x1b[3;r",
        "\x1b[200~",
        "\u{9b}",
        "\u{85}",
        "\x00\x01\x0e\x0f\x7f",
        "\x1b[4i",
        "\x1b[0000000000000000000000000000000m",
        "\x1b[\x01m",
    ] {
        let text = std::format!("a{sequence}b");
        let expected = if sequence == "\x1b[\x01m" { "amb" } else { "ab" };
        assert_eq!(passed(text.as_bytes()), expected, "{sequence:?}");
    }
}

#[test]
fn a_sequence_may_come_in_pieces() {
    let mut rig = Rig::new(&[1]);
    for byte in "x\x1b[31mé\x1b]0;t\x07y".bytes() {
        rig.write(1, 1, [byte]);
    }
    assert_eq!(rig.take(), "x\x1b[31méy");
}

#[test]
fn a_piece_of_a_sequence_is_not_completed_by_another_program() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "\x1b[");
    rig.write(5, 1, "2Jx\n");
    assert_eq!(rig.take(), "2Jx\r\n");
}

#[test]
fn bytes_that_are_not_utf8_become_question_marks() {
    for (bytes, text) in [
        (&b"a\xffb"[..], "a?b"),
        (b"\x80", "?"),
        (b"\xc3(", "?("),
        (b"\xe2\x82\n", "?\r\n"),
        (b"\xed\xa0\x80", "?"),
        (b"\xc0\x80", "??"),
        (b"\xf4\x90\x80\x80", "?"),
    ] {
        assert_eq!(passed(bytes), text, "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn whatever_passes_is_text_colours_and_clearing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let passed = passed(&bytes);
        let mut rest = passed.as_str();
        while let Some(at) = rest.find(|c: char| c.is_control()) {
            let control = &rest[at..];
            let end = if control.starts_with('\x1b') {
                let last = control.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                prop_assert!(matches!(&control[last..=last], "m" | "J" | "K" | "H"));
                prop_assert!(control[1..last].chars().all(|c| "[0123456789;".contains(c)));
                last + 1
            } else {
                prop_assert!("\r\n\x07\x08".contains(&control[..1]), "{control:?}");
                1
            };
            rest = &control[end..];
        }
    }

    #[test]
    fn printable_text_passes_unchanged_however_it_is_cut(text in "[ -~éß€]{0,300}", cut in 1..20_usize) {
        let mut rig = Rig::new(&[1]);
        for piece in text.as_bytes().chunks(cut) {
            rig.write(1, 1, piece);
        }
        prop_assert_eq!(rig.take(), text);
    }

    #[test]
    fn no_character_in_the_background_is_lost(words in proptest::collection::vec("[a-zé]{0,80}\n?", 0..40)) {
        let mut rig = Rig::new(&[1, 2]);
        words.iter().for_each(|word| rig.write(2, 2, word));
        rig.ended(2);
        let sent = rig.take();
        let lines: Vec<&str> = sent.lines().collect();
        prop_assert!(lines.iter().all(|line| line.starts_with("[pid 2")));
        let text: String = lines.iter().map(|line| line.split_once("] ").unwrap().1).collect();
        prop_assert_eq!(text, words.concat().replace('\n', ""));
    }
}
