//! One session: a line being typed, and the complete lines that its programs have not read yet.

use super::Out;
use super::complete::Complete;
use super::editor::{Edit, LINE_MAX, LineEditor};
use super::keys::Key;
use super::ring::ByteRing;

/// Bytes of complete lines that wait to be read; at least one line of full length.
const READY: usize = 1024;
const _: () = assert!(READY > LINE_MAX, "a whole line and its line feed fit");

/// Stands in the ring for an end of input: no line contains it.
const END_OF_INPUT: u8 = 0x04;

/// What there is to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// That many bytes were handed over.
    Bytes(usize),
    /// End of input.
    EndOfInput,
    /// Nothing yet: wait for input of the session.
    Wait,
}

/// What a key meant for the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Typed {
    /// Nothing a program would notice.
    Nothing,
    /// A line, or the end of input, can be read.
    Ready,
    /// Control-C.
    Interrupt,
    /// The completions of the word should be listed.
    List,
}

/// The input half of a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) editor: LineEditor,
    ready: ByteRing<READY>,
    /// Characters of the line being typed that did not fit.
    overflow: u64,
    dropped: u64,
    has_read: bool,
}

impl Session {
    pub(super) const fn new() -> Self {
        Self {
            editor: LineEditor::new(),
            ready: ByteRing::new(),
            overflow: 0,
            dropped: 0,
            has_read: false,
        }
    }

    /// Takes a key; what is typed has `room` columns.
    pub(super) fn key(
        &mut self,
        key: Key,
        room: usize,
        complete: Complete<'_>,
        out: Out<'_>,
    ) -> Typed {
        match self.editor.key(key, room, complete, out) {
            Edit::Done => Typed::Nothing,
            Edit::Ambiguous => Typed::List,
            Edit::Refused => {
                let lost = matches!(key, Key::Char(_));
                self.overflow = self.overflow.saturating_add(u64::from(lost));
                Typed::Nothing
            }
            Edit::Line => {
                // Said once for a line; every character that did not fit has rung the bell.
                let overflow = core::mem::replace(&mut self.overflow, 0);
                self.dropped = self.dropped.saturating_add(overflow);
                let queued = queue(&mut self.ready, self.editor.line(), &mut self.dropped);
                self.editor.finish();
                if queued { Typed::Ready } else { Typed::Nothing }
            }
            Edit::EndOfInput => {
                if self.ready.push(END_OF_INPUT) {
                    Typed::Ready
                } else {
                    self.dropped = self.dropped.saturating_add(1);
                    Typed::Nothing
                }
            }
            Edit::Interrupt => {
                // An empty line stays: it is the answer to the Control-C before this one, and
                // somebody has been woken for it.
                if self.ready.front() != b"\n" {
                    self.ready.clear();
                }
                self.overflow = 0;
                Typed::Interrupt
            }
        }
    }

    /// Hands over at most `max` bytes of one line.
    pub(super) fn read(&mut self, max: usize, sink: Out<'_>) -> Read {
        self.has_read = true;
        if self.ready.front().first() == Some(&END_OF_INPUT) {
            self.ready.consume(1);
            return Read::EndOfInput;
        }
        let mut count = 0_usize;
        while count < max {
            // The part of the line that lies in one piece.
            let piece = self.ready.front();
            let ends = piece.iter().position(|byte| *byte == b'\n');
            let len = ends.map_or(piece.len(), |at| at.saturating_add(1));
            let taken = len.min(max.saturating_sub(count));
            let Some(bytes) = piece.get(..taken).filter(|bytes| !bytes.is_empty()) else { break };
            sink(bytes);
            let line_ended = bytes.last() == Some(&b'\n');
            self.ready.consume(taken);
            count = count.saturating_add(taken);
            if line_ended {
                break;
            }
        }
        if count == 0 { Read::Wait } else { Read::Bytes(count) }
    }

    /// Makes an empty line readable: what a program that asks for a command gets for a Control-C.
    pub(super) fn push_empty_line(&mut self) -> bool {
        queue(&mut self.ready, b"", &mut self.dropped)
    }

    /// Whether a program of the session has ever asked for input.
    pub(super) const fn has_read(&self) -> bool {
        self.has_read
    }

    /// Bytes typed in vain since the last call.
    pub(super) const fn take_dropped(&mut self) -> u64 {
        core::mem::replace(&mut self.dropped, 0)
    }
}

/// Makes a line readable; all of it is dropped, and counted, when it does not fit.
fn queue(ready: &mut ByteRing<READY>, line: &[u8], dropped: &mut u64) -> bool {
    let needed = line.len().saturating_add(1);
    if ready.free() < needed {
        *dropped = dropped.saturating_add(u64::try_from(needed).unwrap_or(u64::MAX));
        return false;
    }
    ready.extend(line);
    ready.push(b'\n')
}
