//! How a step of a test waits, and when it gives up.

use std::panic::Location;
use std::time::Instant;

use serde_json::Value;

use crate::builder::OnPanic;
use crate::machine::Machine;
use crate::pattern::Pattern;
use crate::vm::Event;
use crate::{Result, prompt};

/// The first words of the kernel's last message.
pub(crate) const PANIC: &str = "[kernel] panic";

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
    pub(crate) fn take_next(&mut self, deadline: Instant) -> bool {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::frozen;

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
