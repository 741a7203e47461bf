//! Whole lines of a program whose text is not on the screen, each marked with its process.

use core::fmt::Write;

use super::{LINE, NORMAL_COLOURS, Stream, TAB};
use crate::process::Pid;
use crate::tty::filter::Item;
use crate::tty::{Formatted, Out};

impl Stream {
    /// Collects bytes, and emits the lines that are complete, each marked with the program.
    pub(in crate::tty) fn write_lines(&mut self, bytes: &[u8], out: Out<'_>) {
        let mut filter = self.filter;
        filter.pass(bytes, &mut |item| self.collect(item, out));
        self.filter = filter;
    }

    /// Whether [`write_lines`](Self::write_lines) might emit something.
    pub(in crate::tty) fn might_emit(&self, bytes: &[u8]) -> bool {
        // Tabs are what grows most.
        self.len.saturating_add(bytes.len().saturating_mul(TAB)) > LINE || bytes.contains(&b'\n')
    }

    /// Emits what has been collected, as a line of its own.
    pub(in crate::tty) fn flush(&mut self, out: Out<'_>) {
        if self.has_text() {
            self.emit(out);
        }
    }

    fn collect(&mut self, item: Item<'_>, out: Out<'_>) {
        match item {
            Item::Text(text) => self.collect_text(text, out),
            Item::Colour { sequence, resets } => {
                self.make_room(sequence.len(), out);
                self.recolour(sequence, resets);
            }
            Item::NewLine => {
                self.emit(out);
                self.cut = false;
            }
            Item::Control(b'\t') => self.collect_text(self.tab(), out),
            Item::Control(b'\r') => self.returned = true,
            // What else moves the cursor has no meaning in a line that is not on the screen yet.
            Item::Control(_) | Item::Clear(_) => {}
        }
    }

    fn collect_text(&mut self, mut text: &[u8], out: Out<'_>) {
        // A run of ASCII may be cut anywhere; a longer character comes alone and stays whole.
        while text.first().is_some_and(u8::is_ascii) {
            let room = LINE.saturating_sub(self.len);
            let (now, later) = text.split_at_checked(room).unwrap_or((text, b""));
            self.remember(now);
            text = later;
            if !later.is_empty() {
                self.emit(out);
            }
        }
        self.make_room(text.len(), out);
        self.remember(text);
    }

    fn make_room(&mut self, len: usize, out: Out<'_>) {
        if self.len.saturating_add(len) > LINE {
            self.emit(out);
        }
    }

    /// Emits the line as far as it is known; what follows is another piece of it.
    fn emit(&mut self, out: Out<'_>) {
        let pid = self.pid.unwrap_or(Pid::LAUNCHER);
        let mark = if self.cut { " ..." } else { "" };
        let _ = write!(Formatted(out), "[pid {pid}{mark}] ");
        out(self.text());
        if self.coloured {
            out(NORMAL_COLOURS);
        }
        out(b"\r\n");
        self.forget();
        (self.coloured, self.cut) = (false, true);
    }
}
