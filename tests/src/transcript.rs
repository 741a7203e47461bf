//! Sessions as text files: one file is a test, and documentation of what a user sees.
//!
//! ```text
//! # a comment
//! !append shells=1          settings come first: !append !cpu !memory !uefi !gdb
//! orbital> echo hello       typed at the prompt
//! hello                     every other line must appear, in this order; {} stands for anything,
//!                           {policy} for the machine's policy
//! ...                       the next line may come after the prompt, too
//! !send \x03                keys without Enter: \r \t \e \\ \xNN
//! (gdb) break tick          typed into scripts/gdb.sh, started by the first such line
//! Breakpoint 1 at {}        appears where the last line was typed, here in gdb
//! (gdb) ^C                  interrupts the machine that gdb let go on, once it has answered
//! !exit 16                  the machine ends and the kernel reports this value
//! $ scripts/run.sh --uefi   run as a person would, in a folder of the session's own; a machine that
//!                           ran before has to have ended well
//! $ scripts/gdb.sh --plain  how the next (gdb) line starts gdb
//! ```
//! A file that starts with a typed line starts at the prompt of a saved state; one that starts with
//! a line for gdb halts at its first instruction; one that starts with a script has what that starts;
//! any other boots. `!gdb` sets the options of `scripts/gdb.sh` (`--plain`). Sessions in Markdown are
//! run, too: see [`run_markdown`].

mod markdown;
mod script;

use std::fs;
use std::time::Duration;

use crate::debugger::Debugger;
use crate::machine::Machine;
use crate::scratch::{Scratch, workspace};
use crate::{Failure, Result, exit};

use script::{Script, Step};

/// Runs the transcript in `file`, a path relative to the workspace.
///
/// # Errors
/// The file cannot be read or understood, or the machine does not do what it says.
#[track_caller]
pub fn run(file: &str) -> Result {
    let text = read(file)?;
    play(file, script::parse(text.lines().enumerate().map(|(n, line)| (n + 1, line.to_owned()))))
}

/// Runs what the `text` blocks of a Markdown file show, of all of it or of one section.
///
/// `$ scripts/run.sh` and `$ scripts/gdb.sh` lines are run. Blocks show what was really printed: a
/// number there stands for any number, so that they stay true, but for the one in `$3 = 1`; the name of
/// the default policy stands for that of the machine's.
///
/// # Errors
/// As [`run`].
#[track_caller]
pub fn run_markdown(file: &str, section: Option<&str>) -> Result {
    let text = read(file)?;
    let lines = markdown::session(&text, section);
    if lines.is_empty() {
        return Err(format!("{file}: there is no session in {section:?}").into());
    }
    play(file, script::parse(lines.into_iter()))
}

#[track_caller]
fn read(file: &str) -> Result<String> {
    let text = fs::read_to_string(workspace().join(file));
    Ok(text.map_err(|error| format!("{file}: {error}"))?)
}

/// How long a step may take on a machine of `scripts/run.sh`, which may have to build first.
const LIMIT_OF_SCRIPT: Duration = Duration::from_secs(300);

/// The two panes of a session.
struct Session {
    machine: Option<Machine>,
    gdb: Option<Debugger>,
    gdb_options: Vec<String>,
    /// Where the last line was typed.
    in_gdb: bool,
    /// Where the scripts are run: what one records, another finds.
    folder: Scratch,
}

#[track_caller]
fn play(file: &str, script: std::result::Result<Script, (usize, String)>) -> Result {
    let at = |line: usize| format!("{file}:{line}");
    let script = script.map_err(|(line, error)| Failure::new(error).moved_to(at(line)))?;
    let machine = match script.steps.first() {
        Some((_, Step::Run(_))) => None,
        Some((_, Step::Type(_))) => Some(script.settings.warm()?),
        Some((_, Step::Gdb(_))) => Some(script.settings.wait_for_gdb().boot()?),
        _ => Some(script.settings.boot()?),
    };
    let (gdb_options, folder) = (script.gdb_options, Scratch::new()?);
    let mut session = Session { machine, gdb: None, gdb_options, in_gdb: false, folder };
    for (line, step) in script.steps {
        session.step(&step).map_err(|failure| session.explain(failure).moved_to(at(line)))?;
    }
    Ok(())
}

impl Session {
    fn step(&mut self, step: &Step) -> Result {
        match step {
            Step::Run(options) => self.run(options),
            Step::Debug(options) => {
                self.gdb = None;
                self.gdb_options.clone_from(options);
                Ok(())
            }
            Step::Type(command) => {
                self.in_gdb = false;
                self.machine()?.enter(command)
            }
            Step::Gdb(command) => {
                if command == "^C" && self.machine()?.answering {
                    self.machine()?.prompt()?;
                }
                self.in_gdb = true;
                self.gdb()?.enter(command)
            }
            Step::Expect(pattern) if self.in_gdb => {
                let policy = self.machine()?.builder.policy().to_owned();
                self.gdb()?.expect(&pattern.replace("{policy}", &policy)).map(drop)
            }
            Step::Expect(pattern) => self.machine()?.expect(pattern).map(drop),
            Step::Skip => {
                self.machine()?.answering = false;
                Ok(())
            }
            Step::Send(keys) => {
                self.in_gdb = false;
                self.machine()?.send(keys)
            }
            // isa-debug-exit ends QEMU with twice the value plus one.
            Step::Exit(value) => self.machine()?.expect_exit(value * 2 + 1),
        }
    }

    /// Adds what is known of the machine where a step failed elsewhere.
    fn explain(&mut self, failure: Failure) -> Failure {
        match &mut self.machine {
            Some(machine) if !failure.has_evidence() => machine.explain(failure),
            _ => failure,
        }
    }

    fn run(&mut self, options: &[String]) -> Result {
        if let Some(mut ended) = self.machine.take() {
            ended.expect_exit(exit::SUCCESS)?;
        }
        self.gdb = None;
        self.in_gdb = false;
        let machine = Machine::builder().typed(options.to_vec(), self.folder.path());
        self.machine = Some(machine.limit(LIMIT_OF_SCRIPT).boot()?);
        Ok(())
    }

    fn machine(&mut self) -> Result<&mut Machine> {
        self.machine.as_mut().ok_or_else(|| "there is no machine".into())
    }

    fn gdb(&mut self) -> Result<&mut Debugger> {
        if self.gdb.is_none() {
            let options: Vec<_> = self.gdb_options.iter().map(String::as_str).collect();
            let machine = self.machine.as_ref().ok_or("there is no machine")?;
            self.gdb = Some(Debugger::attach(machine, &options)?);
        }
        self.gdb.as_mut().ok_or_else(|| "there is no gdb".into())
    }
}
