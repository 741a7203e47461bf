//! How gdb learns of tasks: one that was born is reported as a fork.
//!
//! The protocol has no other way to announce one more inferior to a connected gdb. gdb gives it the
//! kernel's symbols, the registers' description and all breakpoints, and goes on by itself. Whoever
//! lived when gdb attached is announced in the same way, before anything else is reported.

use super::Session;
use crate::breakpoints::Owner;
use crate::stop::Stop;
use crate::thread_id::Id;
use crate::wires::Result;

impl Session {
    /// What to tell gdb now: of somebody it does not know, of a program it does not know, else of
    /// `stop`; `None` if of none.
    pub(super) fn tell(&mut self, stop: Option<Stop>) -> Result<Option<String>> {
        self.verify()?;
        let told = match self.unknown()? {
            Some(child) => {
                self.pending = stop;
                let parent = self.whom()?;
                self.known.push(child);
                self.newborn = Some(child);
                if !self.has_program(child) {
                    self.nameless.push(child);
                }
                Stop::Fork { parent, child }
            }
            None => match (self.named(), stop) {
                (Some(id), stop) => {
                    self.pending = stop;
                    Stop::Library { id }
                }
                (None, Some(stop)) => stop,
                (None, None) => return Ok(None),
            },
        };
        if let Stop::Exited { id, .. } = told {
            self.known.retain(|known| *known != id);
            self.nameless.retain(|nameless| *nameless != id);
            self.breakpoints.remove_all_of(Owner::Task(id));
        }
        if !matches!(told, Stop::Fork { .. }) {
            self.awaited = None;
        }
        self.selected = None;
        self.reported = match told.reported() {
            Some(id) => id,
            None => self.whom()?,
        };
        Ok(Some(told.to_string()))
    }

    /// Somebody gdb has not been told of, the oldest first.
    fn unknown(&mut self) -> Result<Option<Id>> {
        if !self.follows_forks {
            return Ok(None);
        }
        let idle = self.tasks.context(&mut self.machine, Id::IDLE)?.map(|_| Id::IDLE);
        let mut all = idle.into_iter().chain(self.tasks.all().iter().map(|task| task.id));
        Ok(all.find(|id| !self.known.contains(id) && !self.detached.contains(id)))
    }

    fn has_program(&self, id: Id) -> bool {
        self.tasks.find(id).is_some_and(|task| task.program.is_some())
    }

    /// Somebody whose program is known by now: on the way back a task is announced at its end, when
    /// its memory is gone.
    fn named(&mut self) -> Option<Id> {
        let at = self.nameless.iter().position(|id| self.has_program(*id))?;
        Some(self.nameless.remove(at))
    }

    /// In whose name to report: that of a task gdb knows. The one it steps, because it would forget
    /// the step if another one were reported; else the one on the CPU.
    pub(super) fn whom(&mut self) -> Result<Id> {
        let current = self.tasks.current(&mut self.machine)?;
        let candidates = [self.stepping, current, Some(self.reported), self.known.first().copied()];
        let mut known = candidates.into_iter().flatten().filter(|id| self.known.contains(id));
        Ok(known.find(|id| !self.is_unborn(*id)).unwrap_or(Id::IDLE))
    }

    /// The machine may be at another point of its history: nothing known of tasks holds. Those who
    /// are not born there stay known: gdb cannot be told of the same process's birth twice.
    pub(super) fn look_again(&mut self) -> Result<()> {
        self.tasks.scan(&mut self.machine, &self.programs)
    }

    /// Whether the machine went back to before the birth of a task that gdb knows.
    pub(super) fn is_unborn(&self, id: Id) -> bool {
        id != Id::IDLE && self.known.contains(&id) && self.tasks.find(id).is_none()
    }
}
