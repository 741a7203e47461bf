//! The machine runs backwards, which QEMU can while it replays a recording.
//!
//! QEMU's stub stops at breakpoints as on the way forward. Behind an access that is watched it stops
//! without a word, and at the beginning of the history it stops once and then refuses. A step back is
//! one of the machine, but for a task that is not on the CPU there: its own previous instruction is
//! the last one before the switch away from it, and that switch wrote into its context.

use super::run::Event;
use super::{Session, error};
use crate::breakpoints::{Owner, Place};
use crate::machine::{Halt, Resume};
use crate::stop::{Stop, signal};
use crate::thread_id::{Id, Target};
use crate::wires::Result;

impl Session {
    /// `Qorbital.Back:THREAD`: whom the following steps back are about. gdb itself does not say; the
    /// hooks of `scripts/gdb/orbital/back.py` do.
    pub(super) fn send_back(&mut self, thread: &str) -> String {
        match Target::parse(thread) {
            Some(Target::One(id)) if self.known.contains(&id) => {
                self.sent_back = Some(id);
                "OK".to_owned()
            }
            _ => error(),
        }
    }

    /// Carries out `bs` and `bc`: what gdb is to be told.
    pub(super) fn resume_back(&mut self, direction: &str) -> Result<String> {
        let stepping = match direction {
            "s" => Some(self.alone.or(self.sent_back).unwrap_or(self.reported)),
            "c" => None,
            _ => return Ok(error()),
        };
        self.newborn = None;
        let pending = self.pending.take();
        if let Some(told) = self.tell(pending)? {
            return Ok(told);
        }
        self.stepping = stepping;
        loop {
            let stop = match stepping {
                Some(id) => self.step_back(id)?,
                None => self.go_back(None)?,
            };
            if let Some(told) = self.tell(stop)? {
                return Ok(told);
            }
        }
    }

    /// One instruction back of a task, wherever it is.
    fn step_back(&mut self, id: Id) -> Result<Option<Stop>> {
        if self.tasks.current(&mut self.machine)? == Some(id) {
            self.breakpoints.tidy(&mut self.machine)?;
            if !self.back_once()? {
                return Ok(Some(Stop::Beginning { id: self.whom()? }));
            }
            if self.tasks.current(&mut self.machine)? == Some(id) {
                return Ok(Some(Stop::at(id, signal::TRAP)));
            }
        }
        let Some(mark) = self.tasks.mark(&mut self.machine, id)? else {
            return Ok(Some(Stop::Beginning { id }));
        };
        let stop = self.go_back(Some(mark))?;
        if stop.is_some() || self.tasks.current(&mut self.machine)? != Some(id) {
            return Ok(stop);
        }
        while self.tasks.current(&mut self.machine)? == Some(id) {
            self.leave_instruction()?;
        }
        self.back_once()?;
        Ok(Some(Stop::at(id, signal::TRAP)))
    }

    /// One instruction of the machine back; whether there was one.
    fn back_once(&mut self) -> Result<bool> {
        let halt = self.machine.resume(Resume::StepBack)?;
        self.look_again()?;
        Ok(!halt.refused)
    }

    /// Lets the machine run back until it stops, also behind a write to the `mark`; what there is to
    /// tell of it.
    fn go_back(&mut self, mark: Option<Place>) -> Result<Option<Stop>> {
        self.breakpoints.tidy(&mut self.machine)?;
        let halt = match (self.access_behind()?, mark) {
            (Some(halt), _) => halt,
            (None, None) => self.machine.resume(Resume::ContinueBack)?,
            (None, Some(mark)) => {
                self.breakpoints.insert(&mut self.machine, mark, Owner::Return)?;
                let halt = self.machine.resume(Resume::ContinueBack)?;
                self.breakpoints.remove_all_of(Owner::Return);
                halt
            }
        };
        self.look_again()?;
        if halt.refused {
            return Ok(Some(Stop::Beginning { id: self.whom()? }));
        }
        let rip = self.machine.register("rip")?;
        if !halt.interrupted && halt.stop.access.is_none() && !self.breakpoints.any_at(rip) {
            // Behind an access, or at the beginning: the next attempt tells.
            return Ok(None);
        }
        match self.meaning(halt, false)? {
            Event::Stop(stop) => Ok(Some(stop)),
            Event::Nothing | Event::Birth(_) | Event::Arrived => Ok(None),
        }
    }

    /// The access to something watched that was made right before now, if there is one. It names
    /// itself when the instruction is executed once more; gdb, going back, expects to stand before
    /// it, and there the machine is then.
    fn access_behind(&mut self) -> Result<Option<Halt>> {
        if !self.breakpoints.any_watched() || self.machine.resume(Resume::StepBack)?.refused {
            return Ok(None);
        }
        let halt = self.machine.resume(Resume::Step)?;
        if halt.stop.access.is_none() {
            return Ok(None);
        }
        self.machine.resume(Resume::StepBack)?;
        Ok(Some(halt))
    }
}
