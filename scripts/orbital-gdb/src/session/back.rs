//! The machine runs backwards, which QEMU can while it replays a recording.
//!
//! QEMU's stub stops at breakpoints as on the way forward. Behind an access that is watched it stops
//! without a word, and at the beginning of the history it stops once and then refuses.

use super::run::Event;
use super::{Session, error};
use crate::machine::{Halt, Resume};
use crate::stop::{Stop, signal};
use crate::wires::Result;

impl Session {
    /// Carries out `bs` and `bc`: what gdb is to be told.
    pub(super) fn resume_back(&mut self, direction: &str) -> Result<String> {
        let how = match direction {
            "s" => Resume::StepBack,
            "c" => Resume::ContinueBack,
            _ => return Ok(error()),
        };
        self.newborn = None;
        let pending = self.pending.take();
        if let Some(told) = self.tell(pending)? {
            return Ok(told);
        }
        self.stepping = None;
        loop {
            let stop = self.go_back(how)?;
            if let Some(told) = self.tell(stop)? {
                return Ok(told);
            }
        }
    }

    /// Lets the machine run back until it stops; what there is to tell of it.
    fn go_back(&mut self, how: Resume) -> Result<Option<Stop>> {
        self.breakpoints.tidy(&mut self.machine)?;
        let access = if how == Resume::ContinueBack { self.access_behind()? } else { None };
        let halt = match access {
            Some(halt) => halt,
            None => self.machine.resume(how)?,
        };
        self.look_again()?;
        if halt.refused {
            return Ok(Some(Stop::Beginning { id: self.whom()? }));
        }
        if how == Resume::StepBack {
            return Ok(Some(Stop::at(self.whom()?, signal::TRAP)));
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
