//! Which of the open sessions the keys go to.

/// Sessions that can be open at once.
pub(super) const MAX_SESSIONS: usize = 64;

/// The open sessions, by their place in the table, and the one that has the focus: one of them
/// whenever there is one.
#[derive(Debug)]
pub(super) struct Focus {
    open: [bool; MAX_SESSIONS],
    current: Option<usize>,
}

impl Focus {
    pub(super) const fn new() -> Self {
        Self { open: [false; MAX_SESSIONS], current: None }
    }

    /// The session that has the focus.
    pub(super) const fn current(&self) -> Option<usize> {
        self.current
    }

    /// Adds a session; the first one gets the focus.
    pub(super) fn open(&mut self, session: usize) {
        if let Some(open) = self.open.get_mut(session) {
            *open = true;
            self.current.get_or_insert(session);
        }
    }

    /// Removes a session; the focus goes to the next one.
    pub(super) fn close(&mut self, session: usize) {
        if let Some(open) = self.open.get_mut(session) {
            *open = false;
        }
        if self.current == Some(session) {
            self.current = self.after_current();
        }
    }

    /// Gives the focus to a session, or to none.
    pub(super) fn set(&mut self, session: Option<usize>) {
        self.current = session;
    }

    /// The next open session after the one that has the focus, in a circle.
    pub(super) fn after_current(&self) -> Option<usize> {
        let after = self.current.map_or(0, |at| at.saturating_add(1));
        (after..MAX_SESSIONS).chain(0..after).find(|at| self.is_open(*at))
    }

    /// The `nth` open session, counted from 1.
    pub(super) fn nth(&self, nth: u8) -> Option<usize> {
        let before = usize::from(nth).checked_sub(1)?;
        (0..MAX_SESSIONS).filter(|at| self.is_open(*at)).nth(before)
    }

    fn is_open(&self, session: usize) -> bool {
        self.open.get(session) == Some(&true)
    }
}
