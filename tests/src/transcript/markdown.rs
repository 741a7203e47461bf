//! Sessions in Markdown: the `text` blocks of a document as lines of a transcript.

use crate::policy::any_policy;

/// The lines of all `text` blocks, with their numbers; only of `section` if one is named.
pub(super) fn session(text: &str, section: Option<&str>) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let (mut inside, mut wanted) = (false, section.is_none());
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```text";
        } else if let (false, Some(title)) = (inside, line.strip_prefix("## ")) {
            wanted = section.is_none_or(|section| section == title);
        } else if inside && wanted {
            lines.push((index + 1, transcript_line(line)));
        }
    }
    lines
}

/// What is typed stays as it is, and so does the number that gdb was asked for. The rest is as the
/// machine's policy makes it.
fn transcript_line(line: &str) -> String {
    let typed = line.starts_with("$ ") || line.starts_with("(gdb) ") || line.contains("orbital> ");
    if typed || is_printed_number(line) {
        return line.to_owned();
    }
    any_policy(&any_number(line))
}

/// Whether it is an answer like `$3 = 1`.
fn is_printed_number(line: &str) -> bool {
    let parts = line.strip_prefix('$').and_then(|rest| rest.split_once(" = "));
    parts.is_some_and(|(history, value)| {
        [history, value].iter().all(|part| !part.is_empty() && number(part) == part.len())
    })
}

/// The same line with `{}` for each number, decimal or hexadecimal, and for wider gaps: columns
/// move with the numbers in them.
fn any_number(line: &str) -> String {
    let mut pattern = String::new();
    let mut rest = line.trim_start();
    while let Some(character) = rest.chars().next() {
        let length = number(rest).max(gap(rest));
        if length == 0 {
            pattern.push(character);
            rest = &rest[character.len_utf8()..];
        } else {
            if !pattern.ends_with("{}") {
                pattern.push_str("{}");
            }
            rest = &rest[length..];
        }
    }
    pattern
}

/// Bytes of the number that `text` starts with.
fn number(text: &str) -> usize {
    let digits = |text: &str, radix| text.chars().take_while(|c| c.is_digit(radix)).count();
    match text.strip_prefix("0x").map(|rest| digits(rest, 16)) {
        Some(count @ 1..) => 2 + count,
        _ => digits(text, 10),
    }
}

/// Bytes of the blanks that `text` starts with, if there are several.
fn gap(text: &str) -> usize {
    match text.len() - text.trim_start_matches(' ').len() {
        1 => 0,
        count => count,
    }
}

#[cfg(test)]
mod tests {
    use super::{any_number, session, transcript_line};

    #[test]
    fn blocks_of_a_section_are_taken_with_their_lines() {
        let text = "## A\n```text\nno\n```\n## B\n```sh\nno\n```\nx\n```text\n$ scripts/run.sh \
                    --append 'shells=1' --wait-gdb\n(gdb) stepi 12\npid 7\n```\n";
        let run = "$ scripts/run.sh --append 'shells=1' --wait-gdb";
        let lines = [(11, run), (12, "(gdb) stepi 12"), (13, "pid {}")];
        let lines = lines.map(|(number, line)| (number, line.to_owned()));
        assert_eq!(session(text, Some("B")), lines);
        assert_eq!(session(text, None).len(), 4);
    }

    #[test]
    fn a_printed_number_is_meant_and_other_numbers_are_not() {
        assert_eq!(transcript_line("$3 = 1"), "$3 = 1");
        assert_eq!(transcript_line("$1 = Context {rbx: 0x0"), "${} = Context {rbx: {}");
    }

    #[test]
    fn numbers_and_columns_stand_for_any() {
        assert_eq!(
            any_number("#4  0x00401f in f (n=2)"),
            "#{}in f (n={})".replace("{}in", "{} in")
        );
        assert_eq!(any_number("   7 say   Ready"), "{} say{}Ready");
    }
}
