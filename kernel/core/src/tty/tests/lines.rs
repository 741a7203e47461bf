//! Output of several programs and the kernel: whole lines, each marked, prompts kept.

use super::rig::Rig;
use std::format;
use std::string::String;
use std::vec::Vec;

#[test]
fn the_focused_session_writes_as_it_likes() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "a");
    rig.write(1, 1, "b\nc\td\x08e\rf");
    assert_eq!(rig.take(), "ab\r\nc       d\x08e\rf");
}

#[test]
fn others_write_whole_lines_marked_with_their_process() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(2, 2, "hel");
    rig.write(3, 2, "wor");
    assert_eq!(rig.take(), "");
    rig.write(2, 2, "lo\nagain\nan");
    rig.write(3, 2, "ld\r\n");
    assert_eq!(rig.take(), "[pid 2] hello\r\n[pid 2] again\r\n[pid 3] world\r\n");
}

#[test]
fn a_program_without_a_session_writes_lines() {
    let mut rig = Rig::new(&[]);
    rig.write(5, 77, "x\n");
    rig.terminal.write(crate::process::Pid(6), None, b"y\n", &mut |b| rig.sent.extend(b));
    assert_eq!(rig.take(), "[pid 5] x\r\n[pid 6] y\r\n");
}

#[test]
fn a_prompt_and_the_typed_text_come_back_below_other_lines() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "orbital> ");
    rig.keys("ecno\x1b[D\x08");
    rig.line("[kernel] pid 4 (x) exited: 0");
    rig.write(2, 2, "one\ntwo\n");
    rig.log(2, "a log line\nand another");
    rig.keys("h");
    assert_eq!(
        rig.screen(),
        [
            "[kernel] pid 4 (x) exited: 0",
            "[pid 2] one",
            "[pid 2] two",
            "[pid 2] a log line",
            "[pid 2] and another",
            "orbital> echo",
        ]
    );
    assert_eq!(rig.column(), 12);
}

#[test]
fn text_typed_ahead_stays_behind_what_the_program_prints() {
    let mut rig = Rig::new(&[1]);
    rig.keys("ls");
    rig.write(1, 1, "working\nworking\nprompt> ");
    assert_eq!(rig.screen(), ["working", "working", "prompt> ls"]);
    rig.keys("\r");
    rig.write(1, 1, "files\nprompt> ");
    assert_eq!(rig.screen(), ["working", "working", "prompt> ls", "files", "prompt>"]);
}

#[test]
fn another_program_of_the_session_does_not_tear_the_prompt() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "prompt> ");
    rig.write(5, 1, "back");
    rig.write(5, 1, "ground\n");
    assert_eq!(rig.screen(), ["[pid 5] background", "prompt>"]);
}

#[test]
fn a_line_begun_behind_the_prompt_goes_on_when_the_prompt_is_gone() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "prompt> ");
    rig.write(5, 1, "what is your ");
    rig.keys("ask\r");
    rig.write(5, 1, "name? ");
    assert_eq!(rig.screen(), ["prompt> ask", "what is your name?"]);
}

#[test]
fn a_long_line_in_the_background_is_cut_into_marked_pieces() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(2, 2, "x".repeat(600));
    rig.write(2, 2, "\nshort\n");
    let xs = |count| "x".repeat(count);
    assert_eq!(
        rig.take(),
        format!(
            "[pid 2] {}\r\n[pid 2 ...] {}\r\n[pid 2 ...] {}\r\n[pid 2] short\r\n",
            xs(256),
            xs(256),
            xs(88)
        )
    );
}

#[test]
fn a_piece_never_cuts_a_character() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(2, 2, format!("x{}\n", "é".repeat(200)));
    let sent = rig.take();
    assert_eq!(sent.matches('é').count(), 200);
    assert!(!sent.contains('?'));
}

#[test]
fn a_prompt_wider_than_a_row_is_repeated_not_torn() {
    let mut rig = Rig::new(&[1]);
    let prompt = "p".repeat(90);
    rig.write(1, 1, &prompt);
    rig.line("[kernel] line");
    assert_eq!(rig.take(), format!("{prompt}\r\n[kernel] line\r\n{prompt}"));
}

#[test]
fn a_line_longer_than_is_remembered_goes_on_below() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "q".repeat(300));
    rig.take();
    rig.line("[kernel] line");
    rig.write(1, 1, "rest\n");
    assert_eq!(rig.take(), "\r\n[kernel] line\r\nrest\r\n");
}

#[test]
fn the_unfinished_line_of_an_ended_program_is_shown() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "no newline");
    rig.write(2, 2, "here too");
    rig.ended(1);
    rig.line("[kernel] pid 1 (x) exited: 0");
    rig.ended(2);
    rig.ended(2);
    assert_eq!(rig.take(), "no newline\r\n[kernel] pid 1 (x) exited: 0\r\n[pid 2] here too\r\n");
}

#[test]
fn colours_of_a_program_do_not_leak_into_other_lines() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "\x1b[31mred> ");
    rig.line("[kernel] plain");
    assert_eq!(rig.take(), "\x1b[31mred> \x1b[0m\r\x1b[K[kernel] plain\r\n\x1b[31mred> ");
    rig.write(2, 2, "\x1b[32mgreen\nplain\n");
    assert!(rig.take().contains("[pid 2] \x1b[32mgreen\x1b[0m\r\n[pid 2] plain\r\n"));
}

#[test]
fn colours_end_with_their_program() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "\x1b[1;31mred\n");
    rig.ended(1);
    assert_eq!(rig.take(), "\x1b[1;31mred\r\n\x1b[0m");
}

#[test]
fn only_the_focused_session_clears_the_screen() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "old\nprompt> ");
    rig.clear(2);
    rig.write(2, 2, "\x1b[2J\x1b[Hx\n");
    assert_eq!(rig.screen(), ["old", "[pid 2] x", "prompt>"]);
    rig.clear(1);
    assert_eq!(rig.screen(), ["prompt>"]);
    rig.write(1, 1, "\x1b[2J\x1b[H");
    assert_eq!(rig.screen(), [""]);
}

#[test]
fn backspace_goes_no_further_than_the_line_began() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "ab\x08\x08\x08\x08c");
    rig.line("[kernel] x");
    assert_eq!(rig.screen(), ["[kernel] x", "c"]);
}

#[test]
fn a_line_that_overwrites_itself_is_one_line() {
    let mut rig = Rig::new(&[1, 2]);
    rig.write(1, 1, "10 %\r");
    rig.line("[kernel] a");
    assert_eq!(rig.screen(), ["[kernel] a", "10 %"]);
    rig.write(1, 1, "20 %\r\x1b[K");
    rig.line("[kernel] b");
    rig.write(1, 1, "100 %\r\n");
    assert_eq!(rig.screen(), ["[kernel] a", "[kernel] b", "100 %", ""]);
    rig.take();
    rig.write(2, 2, "10 %\r20 %\r\nend\r\n");
    assert_eq!(rig.take(), "[pid 2] 20 %\r\n[pid 2] end\r\n");
}

#[test]
fn more_unfinished_lines_than_are_kept_are_shown_early_not_lost() {
    let mut rig = Rig::new(&[1]);
    rig.write(1, 1, "prompt> ");
    for pid in 100..400 {
        rig.write(pid, 77, format!("half of {pid}"));
    }
    for pid in 100..400 {
        rig.write(pid, 77, ", the rest\n");
    }
    let sent = rig.take();
    let lines: Vec<&str> = sent.split("\r\n").collect();
    for pid in 100..400 {
        let count = lines.iter().filter(|line| line.contains(&format!("half of {pid}"))).count();
        assert_eq!(count, 1, "{pid}");
    }
    assert_eq!(sent.matches(", the rest").count(), 300);
    assert_eq!(rig.screen().pop().as_deref(), Some("prompt>"));
}

#[test]
fn a_kernel_line_may_quote_a_hostile_name() {
    let mut rig = Rig::new(&[1]);
    rig.line("[kernel] pid 4 (\x1b[2J\x1b]0;title\x07\x08evil) exited: 0");
    assert_eq!(rig.take(), "[kernel] pid 4 (evil) exited: 0\r\n");
}

#[test]
fn alternating_programs_come_out_alternating() {
    let mut rig = Rig::new(&[1, 2]);
    for _ in 0..3 {
        rig.write(1, 1, "hello\n");
        rig.write(2, 2, "world\n");
    }
    let sent = rig.take();
    let lines: Vec<String> = sent.lines().map(|line| line.replace("[pid 2] ", "")).collect();
    assert_eq!(lines, ["hello", "world"].repeat(3));
}
