//! The line being typed: one [`Key`] at a time, with the echo that keeps the screen equal to it.
//!
//! The editor knows nothing of the prompt before the line, only how much *room* is left after it:
//! its echo moves relative to the cursor, and of a line longer than the room it shows the part
//! around the cursor, so that what is typed never wraps. It uses nothing but text and backspace,
//! which every terminal and every reader of a transcript understands. Lines are ASCII: bytes are
//! columns.

use super::Out;
use super::complete::{Common, Complete, last_word};
use super::echo::{BACK, ERASE, repeat, window};
use super::history::History;
use super::keys::Key;

/// Longest line that can be typed, in bytes.
pub const LINE_MAX: usize = 512;

/// What a key did to the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Edit {
    /// Changed it, or not; the echo is out.
    Done,
    /// Did not fit, or means nothing here: the bell was rung.
    Refused,
    /// The line is complete.
    Line,
    /// The line is dropped, and what runs is to be interrupted.
    Interrupt,
    /// End of input, on an empty line.
    EndOfInput,
    /// The word has several completions, which should be shown.
    Ambiguous,
}

/// The line, the cursor in it, and the lines before it.
#[derive(Debug)]
pub(super) struct LineEditor {
    line: [u8; LINE_MAX],
    len: usize,
    cursor: usize,
    /// The first byte that is shown.
    first: usize,
    /// The first byte after those that are shown.
    end: usize,
    history: History,
    /// Which line of the history is shown, counted from the end; 0 for none.
    recalled: usize,
}

impl LineEditor {
    pub(super) const fn new() -> Self {
        Self {
            line: [0; LINE_MAX],
            len: 0,
            cursor: 0,
            first: 0,
            end: 0,
            history: History::new(),
            recalled: 0,
        }
    }

    /// Applies a key and echoes what it changed, in at most `room` columns.
    pub(super) fn key(
        &mut self,
        key: Key,
        room: usize,
        complete: Complete<'_>,
        out: Out<'_>,
    ) -> Edit {
        let (cursor, len, older) = (self.cursor, self.len, self.recalled.saturating_add(1));
        let (left, right) = (cursor.saturating_sub(1), cursor.saturating_add(1));
        match key {
            Key::Char(byte) => self.splice(cursor, cursor, &[byte], room, out),
            Key::Enter => {
                out(b"\r\n");
                Edit::Line
            }
            Key::Backspace if cursor > 0 => self.splice(left, cursor, b"", room, out),
            Key::EndOfInput if len == 0 => Edit::EndOfInput,
            Key::Delete | Key::EndOfInput if cursor < len => {
                self.splice(cursor, right, b"", room, out)
            }
            Key::Left if cursor > 0 => self.move_to(left, room, out),
            Key::Right if cursor < len => self.move_to(right, room, out),
            Key::Home => self.move_to(0, room, out),
            Key::End => self.move_to(len, room, out),
            Key::Up => self.recall(older, room, out),
            Key::Down if older > 1 => self.recall(older.saturating_sub(2), room, out),
            Key::Tab => self.complete(room, complete, out),
            Key::KillLine => self.splice(0, len, b"", room, out),
            Key::KillToEnd => self.splice(cursor, len, b"", room, out),
            Key::KillWord => {
                let start = last_word(self.before().trim_ascii_end());
                self.splice(start, cursor, b"", room, out)
            }
            Key::Interrupt => {
                self.clear();
                out(b"^C\r\n");
                Edit::Interrupt
            }
            _ => refuse(out),
        }
    }

    /// What has been typed.
    pub(super) fn line(&self) -> &[u8] {
        self.line.get(..self.len).unwrap_or_default()
    }

    /// The part of the word under the cursor that a completion must start with.
    pub(super) fn word(&self) -> &[u8] {
        self.before().get(last_word(self.before())..).unwrap_or_default()
    }

    /// Keeps the line in the history and starts an empty one; nothing is echoed.
    pub(super) fn finish(&mut self) {
        let line = self.line.get(..self.len).unwrap_or_default();
        self.history.push(line);
        self.clear();
    }

    /// Erases the line from the screen; the cursor is then where it started.
    pub(super) fn hide(&mut self, out: Out<'_>) {
        self.erase_from(self.first, out);
    }

    /// Draws the line from the place where it starts.
    pub(super) fn show(&mut self, room: usize, out: Out<'_>) {
        (self.first, self.end) = window(self.first, self.cursor, self.len, room);
        self.draw_from(self.first, out);
    }

    const fn clear(&mut self) {
        (self.len, self.cursor, self.recalled) = (0, 0, 0);
        (self.first, self.end) = (0, 0);
    }

    /// Puts `bytes` in place of `from..to`; the cursor ends up after them.
    fn splice(&mut self, from: usize, to: usize, bytes: &[u8], room: usize, out: Out<'_>) -> Edit {
        let cursor = from.saturating_add(bytes.len());
        let len = cursor.saturating_add(self.len.saturating_sub(to));
        if len > LINE_MAX {
            return refuse(out);
        }
        let (first, end) = window(self.first, cursor, len, room);
        // What comes before the change stays on the screen, unless the window moves.
        let same = if first == self.first { from.max(first) } else { self.first };
        self.erase_from(same, out);
        self.line.copy_within(to..self.len, cursor);
        if let Some(place) = self.line.get_mut(from..cursor) {
            place.copy_from_slice(bytes);
        }
        let draw = if first == self.first { same } else { first };
        (self.len, self.cursor, self.first, self.end) = (len, cursor, first, end);
        self.draw_from(draw, out);
        Edit::Done
    }

    fn move_to(&mut self, cursor: usize, room: usize, out: Out<'_>) -> Edit {
        let (first, _) = window(self.first, cursor, self.len, room);
        if first != self.first {
            self.hide(out);
            self.cursor = cursor;
            self.show(room, out);
            return Edit::Done;
        }
        if cursor < self.cursor {
            repeat(BACK, self.cursor.saturating_sub(cursor), out);
        } else {
            out(self.line.get(self.cursor..cursor).unwrap_or_default());
        }
        self.cursor = cursor;
        Edit::Done
    }

    /// Erases what is shown from `from` on, where the cursor on the screen ends up.
    fn erase_from(&mut self, from: usize, out: Out<'_>) {
        if self.cursor < from {
            out(self.line.get(self.cursor..from).unwrap_or_default());
        }
        if from < self.end {
            out(self.line.get(self.cursor.max(from)..self.end).unwrap_or_default());
            repeat(ERASE, self.end.saturating_sub(from), out);
        }
        self.end = self.end.min(from);
    }

    /// Draws what is to be shown from `from` on, where the cursor on the screen is.
    fn draw_from(&self, from: usize, out: Out<'_>) {
        out(self.line.get(from..self.end).unwrap_or_default());
        repeat(BACK, self.end.saturating_sub(self.cursor), out);
    }

    /// Shows a line of the history in place of this one; an empty line for 0.
    fn recall(&mut self, back: usize, room: usize, out: Out<'_>) -> Edit {
        if back > 0 && self.history.recall(back).is_none() {
            return refuse(out);
        }
        self.hide(out);
        self.len = 0;
        let recalled = self.history.recall(back).unwrap_or_default();
        for (place, byte) in self.line.iter_mut().zip(recalled) {
            *place = *byte;
            self.len = self.len.saturating_add(1);
        }
        self.recalled = back;
        self.cursor = self.len;
        self.show(room, out);
        Edit::Done
    }

    fn complete(&mut self, room: usize, complete: Complete<'_>, out: Out<'_>) -> Edit {
        let common = Common::find(self.word(), complete);
        let extension = common.extension(self.word().len());
        match (common.count, extension) {
            (0, _) => refuse(out),
            (1, _) => match self.splice(self.cursor, self.cursor, extension, room, out) {
                Edit::Done => self.splice(self.cursor, self.cursor, b" ", room, out),
                refused => refused,
            },
            (_, []) => Edit::Ambiguous,
            (_, _) => self.splice(self.cursor, self.cursor, extension, room, out),
        }
    }

    /// The line before the cursor.
    fn before(&self) -> &[u8] {
        self.line.get(..self.cursor).unwrap_or_default()
    }
}

/// Rings the bell.
fn refuse(out: Out<'_>) -> Edit {
    out(b"\x07");
    Edit::Refused
}
