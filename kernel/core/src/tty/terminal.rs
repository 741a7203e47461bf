//! The terminal as one value: sessions, focus, and every program's unfinished line.
//!
//! Sessions belong to the programs that the kernel starts itself, their leaders; descendants write
//! and read in the session of their leader. Who may do what to the last line of the screen is in
//! `screen_line`.

use alloc::vec::Vec;
use core::fmt;

use super::complete::Complete;
use super::editor::LineEditor;
use super::focus::Focus;
use super::keys::{FOCUS_KEY, Key, KeyDecoder};
use super::session::{Read, Session, Typed};
use super::streams::{ROW, Streams};
use super::{Out, focus};
use crate::process::Pid;

/// Sessions that can be open at once.
pub const MAX_SESSIONS: usize = focus::MAX_SESSIONS;

/// Programs beside the leaders whose unfinished lines are kept.
const OTHER_STREAMS: usize = 64;

/// What the kernel has to do after an input byte. Sessions are named by their leader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Nothing.
    Nothing,
    /// Wake who waits for input of this session.
    Ready(Pid),
    /// Control-C was typed to this session: end what it runs, or, if it runs nothing, give it an
    /// empty line with [`Terminal::push_empty_line`].
    Interrupt(Pid),
}

/// Every session is in use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSession;

/// Sessions, focus, and unfinished lines.
#[derive(Debug)]
pub struct Terminal {
    sessions: Vec<Slot>,
    focus: Focus,
    keys: KeyDecoder,
    pub(super) streams: Streams,
}

/// A place for a session.
#[derive(Debug)]
struct Slot {
    /// `None` when the place is free.
    leader: Option<Pid>,
    session: Session,
}

impl Terminal {
    /// A terminal that shows the kernel's lines, and has no room for programs.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            sessions: Vec::new(),
            focus: Focus::new(),
            keys: KeyDecoder::new(),
            streams: Streams::empty(),
        }
    }

    /// A terminal with room for that many sessions (at most [`MAX_SESSIONS`]), and for the
    /// unfinished lines of their leaders and of 64 other programs. `None` without memory for it;
    /// nothing is allocated afterwards.
    #[must_use]
    pub fn try_new(sessions: usize) -> Option<Self> {
        let count = sessions.min(MAX_SESSIONS);
        let mut sessions = Vec::new();
        sessions.try_reserve_exact(count).ok()?;
        sessions.resize_with(count, || Slot { leader: None, session: Session::new() });
        let streams = Streams::try_new(count.saturating_add(OTHER_STREAMS))?;
        Some(Self { sessions, streams, ..Self::empty() })
    }

    /// Opens a session for `leader`. The first one gets the focus.
    ///
    /// # Errors
    /// [`NoSession`] if all there is room for are open.
    pub fn open(&mut self, leader: Pid) -> Result<(), NoSession> {
        let free = self.sessions.iter_mut().enumerate().find(|(_, slot)| slot.leader.is_none());
        let (index, slot) = free.ok_or(NoSession)?;
        slot.leader = Some(leader);
        self.focus.open(index);
        Ok(())
    }

    /// Closes the session of `leader`, if it has one: lines that nobody has read are dropped, and
    /// the focus moves on. Living descendants of the leader keep writing, line by line.
    pub fn close(&mut self, leader: Pid, out: Out<'_>) {
        let found = self.sessions.iter_mut().enumerate().find(|(_, s)| s.leader == Some(leader));
        let Some((index, _)) = found else { return };
        let had_focus = self.focus.current() == Some(index);
        if had_focus {
            self.leave_screen(out);
        }
        if let Some(slot) = self.sessions.get_mut(index) {
            *slot = Slot { leader: None, session: Session::new() };
        }
        self.focus.close(index);
        if had_focus {
            // Programs that never read do not care, and neither does who reads their transcript.
            if self.focused().is_some_and(|slot| slot.session.has_read()) {
                self.announce_focus(out);
            }
            self.enter_screen(out);
        }
    }

    /// Takes a byte of input. `complete` knows the names that a Tab can complete.
    #[must_use]
    pub fn input(&mut self, byte: u8, complete: Complete<'_>, out: Out<'_>) -> Event {
        let Some(key) = self.keys.feed(byte) else { return Event::Nothing };
        match key {
            Key::NextFocus => return self.move_focus(self.focus.after_current(), out),
            Key::Focus(nth) => return self.move_focus(self.focus.nth(nth), out),
            _ => {}
        }
        let room = self.streams.room();
        let Some(slot) = self.focused_mut() else { return Event::Nothing };
        let Some(leader) = slot.leader else { return Event::Nothing };
        let typed = slot.session.key(key, room, complete, out);
        if matches!(key, Key::Enter | Key::Interrupt) {
            self.streams.line_ended();
        }
        match typed {
            Typed::Nothing => Event::Nothing,
            Typed::Ready => Event::Ready(leader),
            Typed::Interrupt => Event::Interrupt(leader),
            Typed::List => {
                self.list_candidates(complete, out);
                Event::Nothing
            }
        }
    }

    /// Hands over at most `max` bytes of one line; end of input if there is no such session.
    pub fn read(&mut self, session: Option<Pid>, max: usize, sink: Out<'_>) -> Read {
        match self.session_mut(session) {
            Some(session) => session.read(max, sink),
            None => Read::EndOfInput,
        }
    }

    /// Makes an empty line readable in a session; whether there was room.
    pub fn push_empty_line(&mut self, session: Pid) -> bool {
        self.session_mut(Some(session)).is_some_and(Session::push_empty_line)
    }

    /// A session that lost input since the last call, and how many bytes.
    pub fn take_dropped(&mut self) -> Option<(Pid, u64)> {
        self.sessions.iter_mut().find_map(|slot| {
            let dropped = slot.session.take_dropped();
            slot.leader.filter(|_| dropped > 0).map(|leader| (leader, dropped))
        })
    }

    /// The leader of the session that has the focus.
    #[must_use]
    pub fn focused_leader(&self) -> Option<Pid> {
        self.focused()?.leader
    }

    /// What is being typed, if anything is.
    pub(super) fn typed(&self) -> Option<&LineEditor> {
        self.focused().map(|slot| &slot.session.editor).filter(|editor| !editor.line().is_empty())
    }

    /// The same, to draw it.
    pub(super) fn typed_mut(&mut self) -> Option<&mut LineEditor> {
        let editor = self.focused_mut().map(|slot| &mut slot.session.editor);
        editor.filter(|editor| !editor.line().is_empty())
    }

    /// A person gives the focus to another session.
    fn move_focus(&mut self, session: Option<usize>, out: Out<'_>) -> Event {
        if session.is_some() {
            self.leave_screen(out);
            self.focus.set(session);
            self.announce_focus(out);
            self.enter_screen(out);
        }
        Event::Nothing
    }

    fn announce_focus(&self, out: Out<'_>) {
        if let Some(pid) = self.focused_leader() {
            let line = format_args!("[kernel] focus: pid {pid} ({FOCUS_KEY} moves it)\r\n");
            let _ = fmt::write(&mut super::Formatted(out), line);
        }
    }

    fn list_candidates(&mut self, complete: Complete<'_>, out: Out<'_>) {
        self.step_aside(out);
        if let Some(editor) = self.typed() {
            let word = editor.word();
            let mut column = 0_usize;
            complete(word, &mut |candidate| {
                if candidate.starts_with(word) {
                    column = column.saturating_add(candidate.len()).saturating_add(2);
                    if column >= ROW {
                        out(b"\r\n");
                        column = candidate.len().saturating_add(2);
                    }
                    out(candidate);
                    out(b"  ");
                }
            });
            out(b"\r\n");
        }
        self.step_back(out);
    }

    fn focused(&self) -> Option<&Slot> {
        self.sessions.get(self.focus.current()?)
    }

    fn focused_mut(&mut self) -> Option<&mut Slot> {
        self.sessions.get_mut(self.focus.current()?)
    }

    fn session_mut(&mut self, leader: Option<Pid>) -> Option<&mut Session> {
        let leader = leader?;
        let slot = self.sessions.iter_mut().find(|slot| slot.leader == Some(leader))?;
        Some(&mut slot.session)
    }
}
