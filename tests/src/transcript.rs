//! Sessions as text files: one file is a test, and documentation of what a user sees.
//!
//! ```text
//! # a comment
//! !append shells=1          settings come first: !append !cpu !memory !uefi
//! orbital> echo hello       typed at the prompt
//! hello                     every other line must appear, in this order; {} stands for anything
//! ...                       the next line may come after the prompt, too
//! !send \x03                keys without Enter: \r \t \e \\ \xNN
//! !exit 16                  the machine ends and the kernel reports this value
//! ```
//! A file that starts with a typed line starts at the prompt of a saved state; any other boots.

use std::fs;

use crate::builder::{Builder, Firmware};
use crate::machine::Machine;
use crate::scratch::workspace;
use crate::{Failure, Result, prompt};

/// One line of a transcript that does something.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Type(String),
    Expect(String),
    Skip,
    Send(String),
    Exit(i32),
}

/// A transcript that was read: settings of its machine, and steps with their line numbers.
#[derive(Debug)]
struct Script {
    settings: Builder,
    steps: Vec<(usize, Step)>,
}

/// Runs the transcript in `file`, a path relative to the workspace.
///
/// # Errors
/// The file cannot be read or understood, or the machine does not do what it says.
#[track_caller]
pub fn run(file: &str) -> Result {
    let text = fs::read_to_string(workspace().join(file));
    let text = text.map_err(|error| format!("{file}: {error}"))?;
    let at = |line: usize| format!("{file}:{line}");
    let script = parse(&text).map_err(|(line, error)| Failure::new(error).moved_to(at(line)))?;
    let starts_at_prompt = matches!(script.steps.first(), Some((_, Step::Type(_))));
    let mut machine = match starts_at_prompt {
        true => script.settings.warm(),
        false => script.settings.boot(),
    }?;
    for (line, step) in script.steps {
        play(&mut machine, &step).map_err(|failure| failure.moved_to(at(line)))?;
    }
    Ok(())
}

fn play(machine: &mut Machine, step: &Step) -> Result {
    match step {
        Step::Type(command) => machine.enter(command),
        Step::Expect(pattern) => machine.expect(pattern).map(drop),
        Step::Skip => {
            machine.answering = false;
            Ok(())
        }
        Step::Send(keys) => machine.send(keys),
        // isa-debug-exit ends QEMU with twice the value plus one.
        Step::Exit(value) => machine.expect_exit(value * 2 + 1),
    }
}

/// Reads a transcript; an error carries its line number.
fn parse(text: &str) -> std::result::Result<Script, (usize, String)> {
    let mut script = Script { settings: Machine::builder(), steps: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim_end());
        let comment = line == "#" || line.starts_with("# ");
        if line.is_empty() || comment {
            continue;
        }
        let Some(directive) = line.strip_prefix('!') else {
            let step = match prompt::typed(line) {
                Some(command) => Step::Type(command.to_owned()),
                None if line == "..." => Step::Skip,
                None => Step::Expect(line.trim_start().to_owned()),
            };
            script.steps.push((number, step));
            continue;
        };
        let (word, value) = directive.split_once(' ').unwrap_or((directive, ""));
        let step = match word {
            "exit" => value.parse().map(Step::Exit).map_err(|error| error.to_string()),
            "send" => keys(value).map(Step::Send),
            _ if !script.steps.is_empty() => Err("settings come first".to_owned()),
            _ => {
                let settings = script.settings.clone();
                script.settings = set(settings, word, value).map_err(|error| (number, error))?;
                continue;
            }
        };
        let step = step.map_err(|error| (number, format!("{line}: {error}")))?;
        script.steps.push((number, step));
    }
    Ok(script)
}

fn set(settings: Builder, word: &str, value: &str) -> std::result::Result<Builder, String> {
    match word {
        "append" => Ok(settings.cmdline(value)),
        "cpu" => Ok(settings.cpu(value)),
        "memory" => match value.parse() {
            Ok(mib) => Ok(settings.memory_mib(mib)),
            Err(error) => Err(format!("!memory {value}: {error}")),
        },
        "uefi" => Ok(settings.firmware(Firmware::Uefi)),
        _ => Err(format!("unknown directive !{word}")),
    }
}

/// Resolves the escapes of `!send`.
fn keys(text: &str) -> std::result::Result<String, String> {
    let mut keys = String::new();
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            keys.push(character);
            continue;
        }
        keys.push(match rest.next() {
            Some('r') => '\r',
            Some('t') => '\t',
            Some('e') => '\x1b',
            Some('\\') => '\\',
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let code = u8::from_str_radix(&digits, 16);
                char::from(code.map_err(|error| format!("\\x{digits}: {error}"))?)
            }
            other => return Err(format!("unknown escape \\{}", other.unwrap_or(' '))),
        });
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::{Step, keys, parse};

    #[test]
    fn lines_become_steps_with_their_numbers() {
        let script = parse(
            "# a tour\n!append shells=1\n\nready\norbital> echo hi\nhi\n...\n!send \\x03\n!exit 16\n",
        )
        .expect("it is well formed");
        let steps = [
            (4, Step::Expect("ready".to_owned())),
            (5, Step::Type("echo hi".to_owned())),
            (6, Step::Expect("hi".to_owned())),
            (7, Step::Skip),
            (8, Step::Send("\x03".to_owned())),
            (9, Step::Exit(16)),
        ];
        assert_eq!(script.steps, steps);
        assert_eq!(script.settings.cmdline, "shells=1");
    }

    #[test]
    fn a_line_of_a_backtrace_is_not_a_comment() {
        let script = parse("#\n#0  switch\n").expect("it is well formed");
        assert_eq!(script.steps, [(2, Step::Expect("#0  switch".to_owned()))]);
    }

    #[test]
    fn mistakes_are_reported_with_their_line() {
        let mistakes = [
            ("a\n!frobnicate", "!frobnicate: settings come first"),
            ("\n!frobnicate", "unknown directive !frobnicate"),
            ("\n!memory lots", "!memory lots: invalid digit found in string"),
            ("a\n!exit soon", "!exit soon: invalid digit found in string"),
            ("a\n!send \\q", "!send \\q: unknown escape \\q"),
        ];
        for (text, message) in mistakes {
            let error = parse(text).expect_err("it is wrong");
            assert_eq!(error, (2, message.to_owned()));
        }
    }

    #[test]
    fn keys_have_escapes() {
        assert_eq!(keys(r"a\r\t\e\\\x03"), Ok("a\r\t\x1b\\\x03".to_owned()));
        assert!(keys(r"\xzz").is_err());
    }
}
