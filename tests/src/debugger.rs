//! A gdb that a test types into: `scripts/gdb.sh` on a machine, as a user has it.
//!
//! What gdb prints is read like a [`Machine`]'s serial line, from top to bottom, and a step fails at
//! once when gdb's prompt is back without the text it waits for. gdb ends with the thread that
//! started it, by a signal of the kernel.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::builder::Profile;
use crate::machine::Machine;
use crate::pattern::{Captures, Pattern};
use crate::scratch::workspace;
use crate::{Failure, Result};

/// What gdb prints when it waits for a command.
const PROMPT: &str = "(gdb) ";

/// How many lines a failure shows.
const LINES_SHOWN: usize = 30;

/// A running gdb.
pub struct Debugger {
    child: Child,
    input: ChildStdin,
    output: Receiver<Vec<u8>>,
    text: String,
    /// Everything before this offset has been matched.
    cursor: usize,
    /// gdb waits for a command.
    ready: bool,
    limit: Duration,
    /// Of the machine that is to tell more when a step fails.
    blamed: Rc<Cell<bool>>,
}

impl Debugger {
    /// Starts `scripts/gdb.sh` with these options on the machine's stub, which halts the machine.
    ///
    /// # Errors
    /// gdb does not start, or does not get along with the machine.
    #[track_caller]
    pub fn attach(machine: &Machine, options: &[&str]) -> Result<Self> {
        let debug = machine.builder.profile == Some(Profile::Debug);
        let build: &[_] = if debug { &["--debug"] } else { &[] };
        let options = [build, options].concat();
        let blamed = Rc::clone(&machine.blamed);
        Self::start(machine.gdb_socket(), &options, machine.builder.limit, blamed)
    }

    /// Starts `scripts/gdb.sh` on a core dump.
    ///
    /// # Errors
    /// gdb does not start, or cannot make sense of the file.
    #[track_caller]
    pub fn open(dump: &Path) -> Result<Self> {
        Self::start(dump, &[], Machine::builder().limit, Rc::default())
    }

    #[track_caller]
    fn start(
        target: &Path,
        options: &[&str],
        limit: Duration,
        blamed: Rc<Cell<bool>>,
    ) -> Result<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(workspace().join("scripts/gdb.sh"));
        command.args(options).arg(target);
        let (mut reader, writer) = io::pipe()?;
        command.stdin(Stdio::piped()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn()?;
        // Only gdb may hold the writing end: its end is then the end of the text.
        drop(command);
        let input = child.stdin.take().ok_or("gdb has no input")?;
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let text = String::new();
        let mut gdb = Self { child, input, output, text, cursor: 0, ready: false, limit, blamed };
        gdb.enter("set width 0")?;
        gdb.prompt()?;
        Ok(gdb)
    }

    /// Waits until gdb takes a command.
    ///
    /// # Errors
    /// It does not: what it was told still runs.
    #[track_caller]
    pub fn prompt(&mut self) -> Result {
        if self.ready {
            return Ok(());
        }
        self.wait("gdb's prompt", |unread| unread.ends_with(PROMPT).then_some((unread.len(), ())))
    }

    /// Types a command at gdb's prompt; a `^C` interrupts what runs instead.
    ///
    /// # Errors
    /// No prompt comes, or gdb has ended.
    #[track_caller]
    pub fn enter(&mut self, line: &str) -> Result {
        if line == "^C" {
            let pid = self.child.id().to_string();
            Command::new("kill").args(["-INT", &pid]).status()?;
            return Ok(());
        }
        self.prompt()?;
        self.ready = false;
        writeln!(self.input, "{line}").map_err(|error| self.failure(&error.to_string()))
    }

    /// Types a command and returns what gdb prints until its next prompt.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), or the prompt does not come back.
    #[track_caller]
    pub fn command(&mut self, line: &str) -> Result<String> {
        self.enter(line)?;
        self.wait(&format!("the prompt after {line:?}"), |unread| {
            let answer = unread.strip_suffix(PROMPT)?;
            Some((unread.len(), answer.to_owned()))
        })
    }

    /// Waits for a [pattern](crate::Pattern) in a line; it has to come before the next prompt.
    ///
    /// # Errors
    /// It does not come.
    #[track_caller]
    pub fn expect(&mut self, pattern: &str) -> Result<Captures> {
        let wanted = Pattern::new(pattern);
        self.wait(&format!("`{pattern}`"), |unread| {
            wanted.find(unread).map(|(range, captures)| (range.end, captures))
        })
    }

    #[track_caller]
    fn wait<T>(
        &mut self,
        what: &str,
        mut seek: impl FnMut(&str) -> Option<(usize, T)>,
    ) -> Result<T> {
        let deadline = Instant::now() + self.limit;
        loop {
            let unread = &self.text[self.cursor..];
            if let Some((used, value)) = seek(unread) {
                self.ready = unread[..used].ends_with(PROMPT);
                self.cursor += used;
                return Ok(value);
            }
            if unread.ends_with(PROMPT) {
                return Err(self.failure(&format!("gdb's prompt is there, waiting for {what}")));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => {
                    let limit = self.limit;
                    return Err(self.failure(&format!("{what} did not come within {limit:?}")));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.failure(&format!("gdb ended, waiting for {what}")));
                }
            }
        }
    }

    #[track_caller]
    fn failure(&self, message: &str) -> Failure {
        let lines: Vec<_> = self.text.lines().collect();
        let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
        self.blamed.set(true);
        Failure::new(message).seeing_in_gdb(shown.join("\n"))
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        // It may have ended by itself; `wait` collects it either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
