//! What the shell's prompt looks like: `[1] orbital> `, where 1 is the shell's pid.

/// Where the prompt starts, when `text` ends with one that waits for input.
pub(crate) fn at_end(text: &str) -> Option<usize> {
    let start = text.rfind('\n').map_or(0, |newline| newline + 1);
    is_prompt(&text[start..]).then_some(start)
}

/// Whether a line is a prompt and nothing else.
fn is_prompt(line: &str) -> bool {
    let Some(before) = line.strip_suffix("orbital> ") else {
        return false;
    };
    let pid = before.strip_prefix('[').and_then(|rest| rest.strip_suffix("] "));
    before.is_empty() || pid.is_some_and(|pid| pid.parse::<u64>().is_ok())
}

/// The command that a line of a transcript types, if it starts with a prompt, with or without pid.
pub(crate) fn typed(line: &str) -> Option<&str> {
    let (prompt, command) = line.split_once('>')?;
    is_prompt(&format!("{prompt}> ")).then(|| command.strip_prefix(' ').unwrap_or(command))
}

#[cfg(test)]
mod tests {
    use super::{at_end, typed};

    #[test]
    fn a_prompt_counts_only_at_the_end_and_alone_on_its_line() {
        assert_eq!(at_end("hello\n[1] orbital> "), Some(6));
        assert_eq!(at_end("[12] orbital> "), Some(0));
        assert_eq!(at_end("[1] orbital> ls"), None);
        assert_eq!(at_end("[1] orbital> \nhello"), None);
        assert_eq!(at_end("[one] orbital> "), None);
        assert_eq!(at_end("not orbital> "), None);
        assert_eq!(at_end(""), None);
    }

    #[test]
    fn a_transcript_types_what_stands_behind_the_prompt() {
        assert_eq!(typed("orbital> echo a > b"), Some("echo a > b"));
        assert_eq!(typed("[2] orbital>"), Some(""));
        assert_eq!(typed("echo orbital> x"), None);
    }
}
