//! Every program's unfinished line, and which of them is on the screen.

use alloc::vec::Vec;

use super::stream::Stream;
use crate::process::Pid;

/// A line with fewer columns than this stands in one row of any terminal, and can be erased.
pub(super) const ROW: usize = 80;

/// A row that is not filled to the end does not wrap.
const LAST_COLUMN: usize = ROW - 1;

/// Columns that what is typed has at least, however long the prompt is.
const LEAST_ROOM: usize = 10;

/// Unfinished lines, and which of them is on the screen.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) streams: Vec<Stream>,
    pub(super) owner: Option<usize>,
    /// The screen's colours are not the normal ones.
    pub(super) coloured: bool,
    /// Which stream makes room when all are in use.
    next_victim: usize,
}

impl Streams {
    pub(super) const fn empty() -> Self {
        Self { streams: Vec::new(), owner: None, coloured: false, next_victim: 0 }
    }

    /// Room for that many unfinished lines; `None` without memory for it.
    pub(super) fn try_new(count: usize) -> Option<Self> {
        let mut streams = Vec::new();
        streams.try_reserve_exact(count).ok()?;
        streams.resize_with(count, Stream::new);
        Some(Self { streams, ..Self::empty() })
    }

    /// The cursor is at the start of an empty line: a line feed was typed.
    pub(super) fn line_ended(&mut self) {
        if let Some(stream) = self.owner.take().and_then(|owner| self.streams.get_mut(owner)) {
            stream.forget();
            if stream.is_idle() {
                stream.release();
            }
        }
    }

    /// The columns that what is typed may take: the rest of the row after the unfinished line.
    pub(super) fn room(&self) -> usize {
        let before = self.owner().map_or(0, Stream::column).checked_rem(ROW).unwrap_or(0);
        LAST_COLUMN.saturating_sub(before).max(LEAST_ROOM)
    }

    pub(super) fn owner(&self) -> Option<&Stream> {
        self.streams.get(self.owner?)
    }

    pub(super) fn find(&self, pid: Option<Pid>) -> Option<usize> {
        self.streams.iter().position(|stream| stream.pid == pid)
    }

    /// The stream that makes room for another: any but the owner, in turn.
    pub(super) fn victim(&mut self) -> usize {
        let count = self.streams.len();
        let advance = |at: usize| at.saturating_add(1).checked_rem(count).unwrap_or(0);
        self.next_victim = advance(self.next_victim);
        if self.owner == Some(self.next_victim) {
            self.next_victim = advance(self.next_victim);
        }
        self.next_victim
    }

    /// The unfinished line of `session` to show when it gets the focus: its leader's, or another.
    pub(super) fn to_show(&self, session: Pid) -> Option<usize> {
        let shows = |stream: &Stream| stream.session == Some(session) && stream.has_text();
        let leaders =
            self.find(Some(session)).filter(|at| self.streams.get(*at).is_some_and(shows));
        leaders.or_else(|| self.streams.iter().position(shows))
    }
}
