//! The last line of the screen, and who may write there.
//!
//! At any moment it is empty, or holds the unfinished line of one program of the focused session
//! (most often a prompt), its *owner*, followed by what is being typed. Programs of the focused
//! session write through while the line is theirs or nobody's. Everything else comes in whole
//! lines, and for each of these the last line steps aside: it is erased, and drawn again below.

use core::fmt;

use super::filter::{Filter, Item};
use super::stream::{NORMAL_COLOURS, Stream};
use super::streams::ROW;
use super::terminal::Terminal;
use super::{Formatted, LINE_MAX, Out};
use crate::process::Pid;

impl Terminal {
    /// Takes what a program writes. All of it is accepted; [`write_cost`] bounds what comes out.
    ///
    /// [`write_cost`]: Self::write_cost
    pub fn write(&mut self, pid: Pid, session: Option<Pid>, bytes: &[u8], out: Out<'_>) {
        let index = self.stream_of(pid, session, out);
        let in_focus = session.is_some() && session == self.focused_leader();
        if in_focus && self.streams.owner.is_none_or(|owner| owner == index) {
            self.write_through(index, bytes, out);
        } else {
            self.write_lines(index, bytes, out);
        }
    }

    /// Most bytes that writing `bytes` can send to the screen.
    #[must_use]
    pub fn write_cost(bytes: &[u8]) -> usize {
        /// The mark before a line, a change of colours back, and the line feed after it.
        const PER_LINE: usize = 48;
        /// The last line steps aside and comes back; the line that was begun comes first.
        const ONCE: usize = 1024 + LINE_MAX;
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        let pieces = bytes.len().div_euclid(128).saturating_add(lines);
        let tabs = bytes.iter().filter(|byte| **byte == b'\t').count().saturating_mul(8);
        let text = bytes.len().saturating_add(tabs);
        text.saturating_add(pieces.saturating_mul(PER_LINE)).saturating_add(ONCE)
    }

    /// Shows a line of the kernel's.
    pub fn line(&mut self, text: fmt::Arguments<'_>, out: Out<'_>) {
        self.step_aside(out);
        let mut filter = Filter::new();
        let _ = fmt::write(
            &mut Formatted(&mut |bytes| {
                filter.pass(bytes, &mut |item| match item {
                    Item::Text(bytes) => out(bytes),
                    Item::Colour { sequence, .. } => out(sequence),
                    Item::NewLine => out(b"\r\n"),
                    Item::Control(_) | Item::Clear(_) => {}
                });
            }),
            text,
        );
        out(b"\r\n");
        self.step_back(out);
    }

    /// Shows what a program wrote to the kernel's log, marked with the program.
    pub fn log(&mut self, pid: Pid, text: &[u8], out: Out<'_>) {
        self.step_aside(out);
        let mut line = Stream::new();
        line.claim(pid, None);
        line.write_lines(text, out);
        line.flush(out);
        self.step_back(out);
    }

    /// Clears the screen for a program of the focused session; others cannot.
    pub fn clear_screen(&mut self, session: Option<Pid>, out: Out<'_>) {
        if session.is_some() && session == self.focused_leader() {
            out(b"\x1b[2J\x1b[H");
            self.step_back(out);
        }
    }

    /// A program has ended: its unfinished line is all there will be of it.
    pub fn ended(&mut self, pid: Pid, out: Out<'_>) {
        let Some(index) = self.streams.find(Some(pid)) else { return };
        self.restore_colours(out);
        if self.streams.owner == Some(index) {
            self.hide_typed(out);
            out(b"\r\n");
            self.streams.owner = None;
            self.show_typed(out);
        } else {
            self.flush(index, out);
        }
        if let Some(stream) = self.streams.streams.get_mut(index) {
            stream.release();
        }
    }

    /// Makes room on the screen for whole lines.
    pub(super) fn step_aside(&mut self, out: Out<'_>) {
        self.restore_colours(out);
        let room = self.streams.room();
        let typed = self.typed().map_or(0, |editor| editor.line().len().min(room));
        let columns = match self.streams.owner() {
            None => Some(typed),
            Some(stream) => stream.redrawable_columns().map(|c| c.saturating_add(typed)),
        };
        match columns {
            Some(0) => {}
            Some(1..ROW) => out(b"\r\x1b[K"),
            // Too long to erase, but it can be drawn again.
            Some(_) => out(b"\r\n"),
            // More than is remembered: the line stays as it is, and goes on below.
            None => {
                out(b"\r\n");
                self.streams.line_ended();
            }
        }
    }

    /// Draws the last line again.
    pub(super) fn step_back(&mut self, out: Out<'_>) {
        if let Some(stream) = self.streams.owner() {
            stream.show(out);
        }
        self.show_typed(out);
    }

    /// The focused session gives the last line up, and keeps it for later.
    pub(super) fn leave_screen(&mut self, out: Out<'_>) {
        self.step_aside(out);
        self.streams.owner = None;
    }

    /// The session that has the focus now shows its last line.
    pub(super) fn enter_screen(&mut self, out: Out<'_>) {
        self.streams.owner = self.focused_leader().and_then(|leader| self.streams.to_show(leader));
        self.step_back(out);
    }

    fn write_through(&mut self, index: usize, bytes: &[u8], out: Out<'_>) {
        self.hide_typed(out);
        let on_screen = self.streams.owner == Some(index);
        if let Some(stream) = self.streams.streams.get_mut(index) {
            if !on_screen {
                // Begun while the last line was another's.
                stream.show(out);
            }
            stream.write_through(bytes, out);
            self.streams.coloured = stream.is_coloured();
            self.streams.owner = stream.has_text().then_some(index);
            if stream.is_idle() {
                stream.release();
            }
        }
        self.show_typed(out);
    }

    fn write_lines(&mut self, index: usize, bytes: &[u8], out: Out<'_>) {
        let emits = self.streams.streams.get(index).is_some_and(|s| s.might_emit(bytes));
        if emits {
            self.step_aside(out);
        }
        if let Some(stream) = self.streams.streams.get_mut(index) {
            stream.write_lines(bytes, out);
            if stream.is_idle() {
                stream.release();
            }
        }
        if emits {
            self.step_back(out);
        }
    }

    /// The stream of a program, made if there is none.
    fn stream_of(&mut self, pid: Pid, session: Option<Pid>, out: Out<'_>) -> usize {
        if let Some(index) = self.streams.find(Some(pid)) {
            return index;
        }
        let index = self.streams.find(None).unwrap_or_else(|| self.streams.victim());
        self.flush(index, out);
        if let Some(stream) = self.streams.streams.get_mut(index) {
            stream.claim(pid, session);
        }
        index
    }

    /// Shows an unfinished line that is not on the screen as it is.
    fn flush(&mut self, index: usize, out: Out<'_>) {
        let has_text = self.streams.streams.get(index).is_some_and(Stream::has_text);
        if has_text {
            self.step_aside(out);
            if let Some(stream) = self.streams.streams.get_mut(index) {
                stream.flush(out);
            }
            self.step_back(out);
        }
    }

    fn restore_colours(&mut self, out: Out<'_>) {
        if core::mem::replace(&mut self.streams.coloured, false) {
            out(NORMAL_COLOURS);
        }
    }

    fn hide_typed(&mut self, out: Out<'_>) {
        if let Some(editor) = self.typed_mut() {
            editor.hide(out);
        }
    }

    fn show_typed(&mut self, out: Out<'_>) {
        let room = self.streams.room();
        if let Some(editor) = self.typed_mut() {
            editor.show(room, out);
        }
    }
}
