//! The line that a program has begun and not ended.
//!
//! While the program's text is on the screen, its stream remembers it, so that it can be drawn
//! again after somebody else's line. While it is not, the stream collects it until the line is
//! complete. Streams live only as long as they have something to remember.

mod lines;

use super::Out;
use super::filter::{Filter, Item};
use crate::process::Pid;

/// Bytes of a line that are kept; a longer one is cut into marked pieces.
const LINE: usize = 256;

/// Columns between two tab stops.
const TAB: usize = 8;
const SPACES: &[u8; TAB] = b"        ";

/// Restores the normal colours.
pub(super) const NORMAL_COLOURS: &[u8] = b"\x1b[0m";

/// One program's unfinished line.
#[derive(Debug)]
pub(super) struct Stream {
    /// Whose it is; `None` when it is free.
    pub(super) pid: Option<Pid>,
    /// The session its program belongs to.
    pub(super) session: Option<Pid>,
    filter: Filter,
    text: [u8; LINE],
    len: usize,
    columns: usize,
    /// The columns of the row that are not blank: more than `columns` after a backspace or return.
    row: usize,
    /// The program returned to the start of the row: its next text replaces this one.
    returned: bool,
    /// The text left colours changed.
    coloured: bool,
    /// Pieces of the same line are out already.
    cut: bool,
    /// There is more on the screen than `text` remembers.
    incomplete: bool,
}

impl Stream {
    pub(super) const fn new() -> Self {
        Self {
            pid: None,
            session: None,
            filter: Filter::new(),
            text: [0; LINE],
            len: 0,
            columns: 0,
            row: 0,
            returned: false,
            coloured: false,
            cut: false,
            incomplete: false,
        }
    }

    /// Makes a free stream a program's.
    pub(super) fn claim(&mut self, pid: Pid, session: Option<Pid>) {
        self.release();
        (self.pid, self.session) = (Some(pid), session);
    }

    /// Makes it free.
    pub(super) fn release(&mut self) {
        (self.pid, self.session) = (None, None);
        self.filter = Filter::new();
        self.forget();
        (self.coloured, self.cut) = (false, false);
    }

    /// Whether nothing would be lost by making it free.
    pub(super) fn is_idle(&self) -> bool {
        self.filter.is_idle() && !(self.has_text() || self.coloured || self.cut)
    }

    /// Whether there is a line, begun and not ended.
    pub(super) const fn has_text(&self) -> bool {
        self.len > 0 || self.row > 0 || self.incomplete
    }

    /// Draws the unfinished line (again).
    pub(super) fn show(&self, out: Out<'_>) {
        out(self.text());
        if self.returned {
            out(b"\r");
        }
    }

    /// The columns of its row that are not blank, if [`show`](Self::show) would restore them.
    pub(super) fn redrawable_columns(&self) -> Option<usize> {
        (!self.incomplete).then_some(self.row)
    }

    /// The column where the program writes next.
    pub(super) const fn column(&self) -> usize {
        if self.returned { 0 } else { self.columns }
    }

    /// Whether it left colours changed.
    pub(super) const fn is_coloured(&self) -> bool {
        self.coloured
    }

    /// Forgets the line: it has ended, or left the screen for good.
    pub(super) const fn forget(&mut self) {
        self.start_over();
        self.row = 0;
    }

    /// Writes to the screen, and remembers the line it leaves unfinished there.
    pub(super) fn write_through(&mut self, bytes: &[u8], out: Out<'_>) {
        let mut filter = self.filter;
        filter.pass(bytes, &mut |item| self.put_through(item, out));
        self.filter = filter;
    }

    fn put_through(&mut self, item: Item<'_>, out: Out<'_>) {
        match item {
            Item::Text(text) => {
                out(text);
                self.remember(text);
            }
            Item::Colour { sequence, resets } => {
                out(sequence);
                self.recolour(sequence, resets);
            }
            Item::Clear(sequence) => {
                out(sequence);
                // `ESC [ K` leaves what is before the cursor.
                if self.returned || sequence.last() != Some(&b'K') {
                    self.forget();
                }
            }
            Item::NewLine => {
                out(b"\r\n");
                self.forget();
                self.cut = false;
            }
            Item::Control(b'\t') => {
                let spaces = self.tab();
                out(spaces);
                self.remember(spaces);
            }
            Item::Control(b'\r') => {
                out(b"\r");
                self.returned = true;
            }
            // Backspace goes as far as the line began.
            Item::Control(0x08) if self.column() > 0 => {
                out(b"\x08");
                self.take_back();
            }
            Item::Control(0x07) => out(b"\x07"),
            Item::Control(_) => {}
        }
    }

    /// Remembers visible text.
    fn remember(&mut self, text: &[u8]) {
        if self.returned {
            self.start_over();
        }
        let columns = text.iter().filter(|byte| !(0x80..=0xbf).contains(*byte)).count();
        self.columns = self.columns.saturating_add(columns);
        self.row = self.row.max(self.columns);
        self.append(text);
    }

    /// Remembers a change of colours.
    fn recolour(&mut self, sequence: &[u8], resets: bool) {
        if self.returned {
            self.start_over();
        }
        self.append(sequence);
        self.coloured = !resets;
    }

    /// Forgets the text, not what the row looks like.
    const fn start_over(&mut self) {
        (self.len, self.columns) = (0, 0);
        (self.incomplete, self.returned) = (false, false);
    }

    fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or_default()
    }

    fn append(&mut self, bytes: &[u8]) {
        let end = self.len.saturating_add(bytes.len());
        match self.text.get_mut(self.len..end) {
            Some(place) if !self.incomplete => {
                place.copy_from_slice(bytes);
                self.len = end;
            }
            _ => self.incomplete = true,
        }
    }

    /// Removes the last character, unless it is no longer clear which that is.
    fn take_back(&mut self) {
        self.columns = self.columns.saturating_sub(1);
        if self.incomplete || self.text().contains(&0x1b) {
            self.incomplete = true;
            return;
        }
        let last = self.text().iter().rposition(|byte| !(0x80..=0xbf).contains(byte));
        self.len = last.unwrap_or(0);
    }

    /// The spaces up to the next tab stop.
    fn tab(&self) -> &'static [u8] {
        let past = self.column().checked_rem(TAB).unwrap_or(0);
        SPACES.get(past..).unwrap_or_default()
    }
}
