//! Why a test failed, told so that nobody has to run it again to understand.
//!
//! A test returns [`Result`]; the test runner prints the failure's text: the place in the test, what
//! was expected and what was seen, the transcript's path, and the command that shows it live.

use std::fmt;
use std::panic::Location;
use std::path::PathBuf;

/// What every step of a test returns.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// A failed step.
pub struct Failure(Box<Parts>);

struct Parts {
    place: String,
    message: String,
    seen: Vec<(&'static str, String)>,
    backtrace: Option<String>,
    transcript: Option<PathBuf>,
    again: Option<String>,
    kept: Option<PathBuf>,
}

impl Failure {
    /// A failure at the caller's line.
    #[track_caller]
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::at(Location::caller(), message)
    }

    /// A failure at a place that was noted earlier.
    #[must_use]
    pub fn at(place: &Location<'_>, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            place: format!("{}:{}", place.file(), place.line()),
            message: message.into(),
            seen: Vec::new(),
            backtrace: None,
            transcript: None,
            again: None,
            kept: None,
        }))
    }

    /// Names another place, such as a line of a transcript file.
    #[must_use]
    pub fn moved_to(mut self, place: impl Into<String>) -> Self {
        self.0.place = place.into();
        self
    }

    /// Adds the last lines that came from the machine.
    #[must_use]
    pub fn seeing(mut self, lines: impl Into<String>) -> Self {
        self.0.seen.push(("seen last", lines.into()));
        self
    }

    /// Adds the last lines of a debugger.
    #[must_use]
    pub(crate) fn seeing_in_gdb(mut self, lines: impl Into<String>) -> Self {
        self.0.seen.push(("seen last in gdb", lines.into()));
        self
    }

    /// Adds a debugger's backtrace of the frozen machine.
    #[must_use]
    pub fn with_backtrace(mut self, backtrace: Option<String>) -> Self {
        self.0.backtrace = backtrace;
        self
    }

    /// Adds where the whole transcript lies, how to run the same machine by hand, and the folder that
    /// has everything to do so in gdb, if it could be filled.
    #[must_use]
    pub fn with_evidence(
        mut self,
        transcript: PathBuf,
        again: String,
        kept: Option<PathBuf>,
    ) -> Self {
        self.0.transcript = Some(transcript);
        self.0.again = Some(again);
        self.0.kept = kept;
        self
    }

    /// Whether it has that.
    pub(crate) fn has_evidence(&self) -> bool {
        self.0.transcript.is_some()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.place, self.0.message)?;
        let seen = self.0.seen.iter().map(|(title, body)| (*title, body));
        for (title, body) in seen.chain(self.0.backtrace.iter().map(|body| ("backtrace", body))) {
            write!(f, "\n{title}:")?;
            for line in body.lines() {
                write!(f, "\n  | {line}")?;
            }
        }
        if let Some(transcript) = &self.0.transcript {
            write!(f, "\ntranscript: {}", transcript.display())?;
        }
        if let Some(again) = &self.0.again {
            write!(f, "\nby hand:    {again}")?;
        }
        if let Some(kept) = &self.0.kept {
            write!(f, "\nin gdb:     scripts/run.sh --replay {} --gdb", kept.display())?;
        }
        Ok(())
    }
}

/// The same text: the test runner prints a returned error with `{:?}`.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    #[track_caller]
    fn from(error: std::io::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<String> for Failure {
    #[track_caller]
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Failure {
    #[track_caller]
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Result};

    #[test]
    fn a_failure_names_the_line_of_the_test_that_made_it() {
        let line = line!() + 1;
        let failure = Failure::new("no prompt");
        let expected = format!("{}:{line}: no prompt", file!());
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn an_error_of_another_kind_names_the_line_of_the_question_mark() {
        fn step() -> Result {
            Err("broken")?;
            Ok(())
        }
        let line = line!() - 3;
        let text = step().expect_err("it fails").to_string();
        assert!(text.contains(&format!(":{line}: broken")), "{text}");
    }

    #[test]
    fn evidence_follows_the_message() {
        let text = Failure::new("x")
            .moved_to("a.txt:3")
            .seeing("one\ntwo")
            .with_evidence("t.txt".into(), "scripts/run.sh".into(), Some("kept".into()))
            .to_string();
        assert_eq!(
            text,
            "a.txt:3: x\nseen last:\n  | one\n  | two\ntranscript: t.txt\nby hand:    scripts/run.sh\n\
             in gdb:     scripts/run.sh --replay kept --gdb"
        );
    }
}
