//! What is told of a machine when its test fails: its last lines, gdb's backtrace if it stands still,
//! where its transcript lies, and the commands that start it again.

use std::fs;
use std::panic::Location;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::Machine;
use crate::wait::{PANIC, Trouble};
use crate::{Failure, evidence, postmortem};

/// How long the rest of a panic's text may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How much of the transcript a failure shows.
const LINES_SHOWN: usize = 30;

impl Machine {
    /// A failure with everything known about the machine.
    pub(crate) fn failure(&mut self, place: &Location<'_>, message: &str) -> Failure {
        self.explain(Failure::at(place, message))
    }

    /// Adds everything known about the machine to a failure.
    pub(crate) fn explain(&mut self, failure: Failure) -> Failure {
        self.explained = true;
        self.hear_last_words();
        let frozen = matches!(self.trouble, Some(Trouble::Frozen(_)));
        let backtrace = frozen.then(|| postmortem::backtrace(self)).flatten();
        self.log.write(self.screen.text(), &self.builder.by_hand());
        // What cannot be kept must not hide why the test failed.
        let kept = evidence::keep(self).ok();
        let mut seen = last_lines(self.screen.text(), LINES_SHOWN).to_owned();
        let errors = fs::read_to_string(self.vm.scratch().errors()).unwrap_or_default();
        if !errors.is_empty() {
            seen = format!("{}\n{errors}", seen.trim_end());
        }
        let again = match &kept {
            Some(folder) if self.builder.bochs => replayed_in_bochs(folder),
            _ => self.builder.by_hand(),
        };
        let transcript = self.log.path().to_owned();
        failure.seeing(seen).with_backtrace(backtrace).with_evidence(transcript, again, kept)
    }

    /// Takes in what has come, and after a panic the rest of its text: the monitor may tell of it before
    /// its last line is here.
    fn hear_last_words(&mut self) {
        let end = Instant::now() + LAST_WORDS;
        loop {
            let quiet = match self.trouble {
                Some(Trouble::Ended(_)) => return,
                Some(Trouble::Frozen(_)) => LAST_WORDS / 5,
                None if self.screen.text().contains(PANIC) => LAST_WORDS,
                None => Duration::ZERO,
            };
            if Instant::now() > end || !self.take_next(end.min(Instant::now() + quiet)) {
                return;
            }
        }
    }
}

/// A test that panics instead of returning a failure still shows what there is to know, and so does
/// one that fails in a debugger on this machine.
impl Drop for Machine {
    fn drop(&mut self) {
        if !self.explained && (thread::panicking() || self.blamed.get()) {
            let failure = Failure::new("the test failed").moved_to(self.log.name());
            eprintln!("{}", self.explain(failure));
        } else {
            self.log.write(self.screen.text(), &self.builder.by_hand());
        }
    }
}

fn replayed_in_bochs(folder: &Path) -> String {
    format!("scripts/run.sh --replay {} --bochs", folder.display())
}

fn last_lines(text: &str, count: usize) -> &str {
    let starts = text.trim_end().rmatch_indices('\n').map(|(at, _)| at + 1);
    &text[starts.take(count).last().filter(|_| text.lines().count() > count).unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn a_failure_shows_the_last_lines_only() {
        assert_eq!(last_lines("a\nb\nc\nd", 2), "c\nd");
        assert_eq!(last_lines("a\nb\nc\nd\n", 2), "c\nd\n");
        assert_eq!(last_lines("a\nb", 5), "a\nb");
        assert_eq!(last_lines("", 5), "");
    }
}
