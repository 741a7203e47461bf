//! How a step of a test waits, and how it gives up.

use std::fs;
use std::panic::Location;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::builder::OnPanic;
use crate::machine::Machine;
use crate::pattern::Pattern;
use crate::vm::Event;
use crate::{Failure, Result, evidence, postmortem, prompt};

/// The first words of the kernel's last message.
const PANIC: &str = "[kernel] panic";
/// How long the rest of a panic's text may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How much of the transcript a failure shows.
const LINES_SHOWN: usize = 30;

/// Why nothing more is to be expected of a machine.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// QEMU closed the serial line; its exit code, if it has one.
    Ended(Option<i32>),
    /// The machine stands still, for this reason, and a debugger can look at it.
    Frozen(&'static str),
}

impl Machine {
    /// Reads on until `seek` finds what it wants in the unread text, and says how much to consume.
    pub(crate) fn wait<T>(
        &mut self,
        place: &Location<'_>,
        what: &str,
        mut seek: impl FnMut(&str) -> Option<(usize, T)>,
    ) -> Result<T> {
        let limit = self.builder.limit;
        let deadline = Instant::now() + limit;
        loop {
            let found = seek(self.unread());
            let used = found.as_ref().map_or(self.unread().len(), |(used, _)| *used);
            if let Some(unwanted) = self.unwanted(&self.unread()[..used]) {
                return Err(self.failure(place, &format!("{unwanted}, waiting for {what}")));
            }
            if let Some((used, value)) = found {
                self.cursor += used;
                self.screen.fence(self.cursor);
                return Ok(value);
            }
            if let Some(reason) = self.hopeless() {
                return Err(self.failure(place, &format!("{reason}, waiting for {what}")));
            }
            if !self.take_next(deadline) {
                return Err(self.failure(place, &format!("{what} did not come within {limit:?}")));
            }
        }
    }

    /// Takes in what comes until `deadline`.
    pub(crate) fn wait_out(&mut self, place: &Location<'_>, deadline: Instant) -> Result {
        loop {
            if let Some(reason) = self.unwanted(self.unread()).or_else(|| self.hopeless()) {
                return Err(self.failure(place, &reason));
            }
            if !self.take_next(deadline) {
                return Ok(());
            }
        }
    }

    /// Waits for QEMU to end; its exit code if it has one.
    pub(crate) fn wait_for_end(&mut self, place: &Location<'_>) -> Result<Option<i32>> {
        let limit = self.builder.limit;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(unwanted) = self.unwanted(self.unread()) {
                return Err(self.failure(place, &format!("{unwanted}, waiting for the end")));
            }
            match self.trouble {
                Some(Trouble::Ended(code)) => return Ok(code),
                Some(Trouble::Frozen(reason)) => return Err(self.failure(place, reason)),
                None => {}
            }
            if !self.take_next(deadline) {
                return Err(self.failure(place, &format!("does not end within {limit:?}")));
            }
        }
    }

    /// Takes in bytes of the serial line.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.log.record(bytes);
        self.screen.feed(bytes);
    }

    fn unread(&self) -> &str {
        &self.screen.text()[self.cursor..]
    }

    /// Takes in what there is, and waits for it until `deadline`; `false` when nothing came.
    fn take_next(&mut self, deadline: Instant) -> bool {
        let Some(event) = self.vm.next(deadline) else {
            return false;
        };
        self.take(event);
        // Looking at the text for each byte that came would take long.
        while self.trouble.is_none()
            && Instant::now() < deadline
            && let Some(event) = self.vm.next(Instant::now())
        {
            self.take(event);
        }
        true
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Serial(bytes) => self.receive(&bytes),
            Event::Closed => {
                self.trouble = Some(Trouble::Ended(self.vm.exit_code(self.builder.limit)));
            }
            Event::Monitor(message) => {
                if let Some(reason) = frozen(&message)
                    && self.builder.on_panic == OnPanic::Freeze
                {
                    self.trouble = Some(Trouble::Frozen(reason));
                }
            }
            Event::Answer(_) => {}
        }
    }

    fn unwanted(&self, text: &str) -> Option<String> {
        if self.builder.on_panic == OnPanic::Freeze && text.contains(PANIC) {
            return Some("the kernel panicked".to_owned());
        }
        let found = |pattern: &&Pattern| pattern.find(text).is_some();
        let pattern = self.refused.iter().find(found)?;
        Some(format!("refused text `{pattern}` appeared"))
    }

    fn hopeless(&self) -> Option<String> {
        match &self.trouble {
            Some(Trouble::Ended(Some(code))) => return Some(format!("QEMU ended (exit {code})")),
            Some(Trouble::Ended(None)) => return Some("QEMU was killed".to_owned()),
            Some(Trouble::Frozen(reason)) => return Some((*reason).to_owned()),
            None => {}
        }
        let answered = self.answering && prompt::at_end(self.unread()).is_some();
        answered.then(|| "the prompt is there".to_owned())
    }

    /// Takes in the rest of a panic: the monitor may tell of it before its last line is here.
    fn hear_last_words(&mut self) {
        let end = Instant::now() + LAST_WORDS;
        loop {
            let quiet = match self.trouble {
                None => LAST_WORDS,
                Some(Trouble::Frozen(_)) => LAST_WORDS / 5,
                Some(Trouble::Ended(_)) => return,
            };
            if !self.take_next(end.min(Instant::now() + quiet)) {
                return;
            }
        }
    }

    /// A failure with everything known about the machine.
    pub(crate) fn failure(&mut self, place: &Location<'_>, message: &str) -> Failure {
        if self.screen.text().contains(PANIC) {
            self.hear_last_words();
        }
        let frozen = matches!(self.trouble, Some(Trouble::Frozen(_)));
        let backtrace = frozen.then(|| postmortem::backtrace(self)).flatten();
        self.log.write(self.screen.text(), &self.builder.by_hand());
        // What cannot be kept must not hide why the test failed.
        let kept = if self.builder.by_script() { None } else { evidence::keep(self).ok() };
        let mut seen = last_lines(self.screen.text(), LINES_SHOWN).to_owned();
        let errors = fs::read_to_string(self.vm.scratch().errors()).unwrap_or_default();
        if !errors.is_empty() {
            seen = format!("{}\n{errors}", seen.trim_end());
        }
        Failure::at(place, message).seeing(seen).with_backtrace(backtrace).with_evidence(
            self.log.path().to_owned(),
            self.builder.by_hand(),
            kept,
        )
    }
}

/// A test that panics instead of returning a failure still shows what the machine said.
impl Drop for Machine {
    fn drop(&mut self) {
        self.log.write(self.screen.text(), &self.builder.by_hand());
        if thread::panicking() {
            let tail = last_lines(self.screen.text(), LINES_SHOWN);
            eprintln!("seen last:\n{tail}\ntranscript: {}", self.log.path().display());
        }
    }
}

/// Why a monitor message means that the machine stands still.
fn frozen(message: &Value) -> Option<&'static str> {
    let reason = message["data"]["reason"].as_str().unwrap_or_default();
    match message["event"].as_str()? {
        "GUEST_PANICKED" => Some("the kernel panicked"),
        "SHUTDOWN" if reason == "guest-reset" => Some("the machine was reset (triple fault)"),
        "SHUTDOWN" if reason.ends_with("-reset") => Some("the machine was reset"),
        _ => None,
    }
}

fn last_lines(text: &str, count: usize) -> &str {
    let starts = text.trim_end().rmatch_indices('\n').map(|(at, _)| at + 1);
    &text[starts.take(count).last().filter(|_| text.lines().count() > count).unwrap_or(0)..]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{frozen, last_lines};

    #[test]
    fn a_failure_shows_the_last_lines_only() {
        assert_eq!(last_lines("a\nb\nc\nd", 2), "c\nd");
        assert_eq!(last_lines("a\nb\nc\nd\n", 2), "c\nd\n");
        assert_eq!(last_lines("a\nb", 5), "a\nb");
        assert_eq!(last_lines("", 5), "");
    }

    #[test]
    fn resets_and_panics_freeze_but_other_events_do_not() {
        assert!(frozen(&json!({"event": "GUEST_PANICKED"})).is_some());
        let reset = json!({"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}});
        assert!(frozen(&reset).is_some());
        let quit = json!({"event": "SHUTDOWN", "data": {"reason": "host-qmp-quit"}});
        assert!(frozen(&quit).is_none());
        assert!(frozen(&json!({"event": "STOP"})).is_none());
    }
}
