//! What a test expects to read.
//!
//! A [`Machine`]'s output is read like by a person: from top to bottom. Each step goes on after the
//! text that the one before it matched, and fails at once when the machine can no longer fulfil it:
//! QEMU ended, the kernel panicked, a refused text appeared, or the prompt is there and the expected
//! line of the boot log or of a command's answer is not.
//!
//! In a pattern that a machine is to print, `{policy}` stands for the name of its policy.

use std::panic::Location;
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::pattern::{Captures, Pattern};
use crate::{Result, prompt};

impl Machine {
    /// Waits until a shell asks for input, and returns its prompt.
    ///
    /// # Errors
    /// No prompt comes.
    #[track_caller]
    pub fn prompt(&mut self) -> Result<String> {
        self.answering = false;
        self.wait(Location::caller(), "a prompt", |unread| {
            let start = prompt::at_end(unread)?;
            Some((start, unread[start..].to_owned()))
        })
    }

    /// Enters a command at the prompt. Its answer ends with the next prompt: an expectation that is
    /// still open then fails at once.
    ///
    /// # Errors
    /// No prompt comes, or the line is not echoed as typed.
    #[track_caller]
    pub fn enter(&mut self, line: &str) -> Result {
        let place = Location::caller();
        let echo = self.prompt()? + line + "\n";
        self.send_line(line)?;
        self.wait(place, &format!("the echo of {line:?}"), |unread| {
            unread.find(&echo).map(|at| (at + echo.len(), ()))
        })?;
        self.answering = true;
        Ok(())
    }

    /// Enters a command and returns everything up to the next prompt.
    ///
    /// # Errors
    /// As [`enter`](Self::enter), or the prompt does not come back.
    #[track_caller]
    pub fn command(&mut self, line: &str) -> Result<String> {
        let place = Location::caller();
        self.enter(line)?;
        self.answering = false;
        self.wait(place, &format!("the prompt after {line:?}"), |unread| {
            let start = prompt::at_end(unread)?;
            Some((start, unread[..start].to_owned()))
        })
    }

    /// Waits for a [pattern](crate::Pattern) anywhere in a line.
    ///
    /// # Errors
    /// It does not come.
    #[track_caller]
    pub fn expect(&mut self, pattern: &str) -> Result<Captures> {
        let wanted = self.pattern(pattern);
        self.wait(Location::caller(), &format!("`{pattern}`"), |unread| {
            wanted.find(unread).map(|(range, captures)| (range.end, captures))
        })
    }

    /// Waits for a whole line that is as the [pattern](crate::Pattern) says.
    ///
    /// # Errors
    /// It does not come.
    #[track_caller]
    pub fn expect_line(&mut self, pattern: &str) -> Result<Captures> {
        let wanted = self.pattern(pattern);
        self.wait(Location::caller(), &format!("the line `{pattern}`"), |unread| {
            wanted.find_line(unread).map(|(range, captures)| (range.end, captures))
        })
    }

    /// Waits for all patterns, in any order, each anywhere in a line of the text from here on.
    ///
    /// # Errors
    /// One does not come; the message names it.
    #[track_caller]
    pub fn expect_all(&mut self, patterns: &[&str]) -> Result<Vec<Captures>> {
        let place = Location::caller();
        let mut found = Vec::new();
        let mut end = 0;
        for pattern in patterns {
            let wanted = self.pattern(pattern);
            let (range, captures) = self.wait(place, &format!("`{pattern}`"), |unread| {
                wanted.find(unread).map(|found| (0, found))
            })?;
            end = end.max(range.end);
            found.push(captures);
        }
        self.wait(place, "nothing", |_| Some((end, ())))?;
        Ok(found)
    }

    /// Fails every later step when the [pattern](crate::Pattern) appears after what was read so far.
    ///
    /// # Errors
    /// It is there already.
    #[track_caller]
    pub fn refuse(&mut self, pattern: &str) -> Result {
        let refused = self.pattern(pattern);
        self.refused.push(refused);
        self.wait(Location::caller(), "nothing", |_| Some((0, ())))
    }

    /// Reads a pattern as this machine means it.
    fn pattern(&self, source: &str) -> Pattern {
        Pattern::new(&source.replace("{policy}", self.builder.policy()))
    }

    /// Lets the machine run for a while and takes in what it prints.
    ///
    /// # Errors
    /// The machine ended or panicked, or printed what it was refused to.
    #[track_caller]
    pub fn run_for(&mut self, time: Duration) -> Result {
        self.answering = false;
        self.wait_out(Location::caller(), Instant::now() + time)
    }

    /// Waits for QEMU to end, and compares its exit code; see [`exit`](crate::exit).
    ///
    /// # Errors
    /// It does not end, or ends otherwise.
    #[track_caller]
    pub fn expect_exit(&mut self, code: i32) -> Result {
        let place = Location::caller();
        self.answering = false;
        let seen = self.wait_for_end(place)?;
        if seen == Some(code) {
            return Ok(());
        }
        let seen = seen.map_or("a signal".to_owned(), |seen| format!("exit code {seen}"));
        Err(self.failure(place, &format!("ended with {seen}, expected {code}")))
    }
}
