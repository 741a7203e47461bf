//! Reading a transcript: its lines become steps with their line numbers.

use crate::builder::{Builder, Firmware};
use crate::machine::Machine;
use crate::prompt;

/// What a line for gdb starts with.
const GDB: &str = "(gdb) ";

/// What the lines start with that start a machine, and gdb on it.
const RUN_SCRIPT: &str = "$ scripts/run.sh";
const GDB_SCRIPT: &str = "$ scripts/gdb.sh";

/// One line of a transcript that does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Run(Vec<String>),
    Debug(Vec<String>),
    Type(String),
    Gdb(String),
    Expect(String),
    Skip,
    Send(String),
    Exit(i32),
}

/// A transcript that was read: settings of its machine, and steps with their line numbers.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) settings: Builder,
    pub(super) gdb_options: Vec<String>,
    pub(super) steps: Vec<(usize, Step)>,
}

/// Reads numbered lines; an error carries its line number.
pub(super) fn parse(
    lines: impl Iterator<Item = (usize, String)>,
) -> Result<Script, (usize, String)> {
    let gdb_options = vec!["--plain".to_owned()];
    let mut script = Script { settings: Machine::builder(), gdb_options, steps: Vec::new() };
    for (number, line) in lines {
        let line = line.trim_end();
        let comment = line == "#" || line.starts_with("# ");
        if line.is_empty() || comment {
            continue;
        }
        let Some(directive) = line.strip_prefix('!') else {
            let step = match prompt::typed(line) {
                Some(command) => Step::Type(command.to_owned()),
                None if line.starts_with(RUN_SCRIPT) => Step::Run(words(&line[RUN_SCRIPT.len()..])),
                None if line.starts_with(GDB_SCRIPT) => {
                    Step::Debug(words(&line[GDB_SCRIPT.len()..]))
                }
                None if line.starts_with(GDB) => Step::Gdb(line[GDB.len()..].to_owned()),
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
            "gdb" => {
                script.gdb_options = words(value);
                continue;
            }
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

fn set(settings: Builder, word: &str, value: &str) -> Result<Builder, String> {
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

/// The words of a command as a shell splits them; quotes of one kind may hold the other.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in text.chars() {
        match (quote, character) {
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == character => quote = None,
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// Resolves the escapes of `!send`.
fn keys(text: &str) -> Result<String, String> {
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
    use super::{Script, Step, keys, words};

    fn parse(text: &str) -> Result<Script, (usize, String)> {
        super::parse(text.lines().enumerate().map(|(index, line)| (index + 1, line.to_owned())))
    }

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
    fn lines_for_gdb_are_told_from_lines_for_the_shell() {
        let script = parse("!gdb --debug\n(gdb) bt\n#0  switch\n").expect("it is well formed");
        assert_eq!(script.gdb_options, ["--debug"]);
        let steps = [(2, Step::Gdb("bt".to_owned())), (3, Step::Expect("#0  switch".to_owned()))];
        assert_eq!(script.steps, steps);
    }

    #[test]
    fn scripts_are_run_with_the_words_that_a_shell_would_give_them() {
        let script = parse(
            "$ scripts/run.sh --append 'run=\"say a 1\" x=y'  --record a\n$ scripts/gdb.sh\n",
        )
        .expect("it is well formed");
        let options = ["--append", "run=\"say a 1\" x=y", "--record", "a"].map(str::to_owned);
        assert_eq!(script.steps, [(1, Step::Run(options.to_vec())), (2, Step::Debug(vec![]))]);
        assert_eq!(words("a '' \"it's\""), ["a", "", "it's"]);
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
