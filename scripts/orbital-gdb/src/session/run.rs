//! The machine runs until there is something to tell gdb.
//!
//! There is one CPU, so the machine runs as a whole. A breakpoint that is not of the task that hit
//! it is stepped over. A task that gdb wants stepped but is not on the CPU is first waited for, at
//! the instruction it resumes with. `stepi` goes into the kernel with a system call; steps within a
//! range of a program, which is how gdb carries out `step` and `next`, and past a breakpoint do not.

use std::ops::Range;

use super::Session;
use crate::actions::Step;
use crate::breakpoints::{Owner, Place};
use crate::machine::{Halt, Resume};
use crate::stop::{Stop, signal};
use crate::thread_id::Id;
use crate::wires::{Heard, Result};

/// What a stop of the machine means.
pub(super) enum Event {
    /// Nothing to gdb.
    Nothing,
    /// Somebody was born, perhaps where gdb wants to stop.
    Birth(Option<Stop>),
    /// The task to be stepped is where it was awaited.
    Arrived,
    /// This.
    Stop(Stop),
}

impl Session {
    /// Carries out `vCont`: what gdb is to be told.
    pub(super) fn resume(&mut self, step: Option<Step>) -> Result<String> {
        self.newborn = None;
        self.sent_back = None;
        let pending = self.pending.take();
        if let Some(told) = self.tell(pending)? {
            return Ok(told);
        }
        let current = self.tasks.current(&mut self.machine)?;
        let stepping = step.as_ref().and_then(|step| step.id.or(current));
        if stepping != self.stepping {
            self.awaited = None;
        }
        self.stepping = stepping;
        let alone = step.as_ref().is_some_and(|step| step.alone);
        let range = step.and_then(|step| step.range);
        loop {
            let stop = match self.stepping {
                Some(id) => self.step(id, range.as_ref(), alone)?,
                None => self.go_on()?,
            };
            if let Some(told) = self.tell(stop)? {
                return Ok(told);
            }
        }
    }

    /// Lets the machine run until somebody is born, `None`, or something else happens.
    fn go_on(&mut self) -> Result<Option<Stop>> {
        Ok(match self.next_event()? {
            Event::Stop(stop) => Some(stop),
            Event::Birth(also) => also,
            Event::Nothing | Event::Arrived => None,
        })
    }

    fn next_event(&mut self) -> Result<Event> {
        loop {
            match self.advance()? {
                Event::Nothing => {}
                event => return Ok(event),
            }
        }
    }

    /// Lets the machine run until the task to be stepped comes to an instruction; `Ok(Err(..))` if
    /// something else happens before.
    fn wait_at(&mut self, address: u64) -> Result<Result<(), Option<Stop>>> {
        self.awaited = Some(address);
        self.breakpoints.insert(&mut self.machine, Place::code(address), Owner::Return)?;
        let event = self.next_event();
        self.breakpoints.remove_all_of(Owner::Return);
        Ok(match event? {
            Event::Arrived => {
                self.awaited = None;
                Ok(())
            }
            Event::Stop(stop) => Err(Some(stop)),
            Event::Birth(also) => Err(also),
            Event::Nothing => Err(None),
        })
    }

    /// One instruction of a task, wherever it is, or as many as lie in `range`. An instruction that
    /// faults is tried again when the kernel has done its part.
    fn step(&mut self, id: Id, range: Option<&Range<u64>>, alone: bool) -> Result<Option<Stop>> {
        let on_cpu = self.tasks.current(&mut self.machine)? == Some(id);
        let resumption = self.tasks.resumption(&mut self.machine, id)?;
        let resumes = resumption.filter(|_| !on_cpu).map(|resumption| resumption.rip);
        let awaited = self.awaited.or(resumes);
        if let Some(address) = awaited {
            if let Err(stop) = self.wait_at(address)? {
                return Ok(stop);
            }
            // Back from the kernel, whose call has been the step.
            if !self.hooks.resumes.contains(&address) && self.has_left(id, range)? {
                return Ok(Some(Stop::at(id, signal::TRAP)));
            }
        }
        loop {
            let (before, was_program) = (self.machine.register("rip")?, self.in_program()?);
            if let Some(stop) = self.step_once(id)? {
                return Ok(Some(stop));
            }
            let is_call = self.machine.register("rip")? == self.hooks.syscall;
            let pass = range.is_some() || alone || !is_call;
            if pass && was_program && !self.in_program()? {
                let back = if is_call { self.machine.register("rcx")? } else { before };
                if let Err(stop) = self.wait_at(back)? {
                    return Ok(stop);
                }
                if !is_call {
                    continue;
                }
            }
            if self.has_left(id, range)? {
                return Ok(Some(Stop::at(id, signal::TRAP)));
            }
        }
    }

    /// Whether the CPU is in ring 3.
    fn in_program(&mut self) -> Result<bool> {
        Ok(self.machine.register("cs")? & 3 == 3)
    }

    /// Whether a task that makes steps is to be reported.
    fn has_left(&mut self, id: Id, range: Option<&Range<u64>>) -> Result<bool> {
        let rip = self.machine.register("rip")?;
        let inside = range.is_some_and(|range| range.contains(&rip))
            && !self.breakpoints.at(rip, Owner::Task(id));
        Ok(!inside || self.tasks.current(&mut self.machine)? != Some(id))
    }

    /// One instruction of the task on the CPU; what there is to tell but that it is done.
    fn step_once(&mut self, id: Id) -> Result<Option<Stop>> {
        let halt = self.leave_instruction()?;
        match self.at_hook()? {
            Some(Event::Stop(exit)) => return Ok(Some(exit)),
            Some(Event::Birth(_)) => return Ok(Some(Stop::at(id, signal::TRAP))),
            Some(Event::Nothing | Event::Arrived) | None => {}
        }
        let access = halt.stop.access;
        let access = access.filter(|access| self.breakpoints.watched(*access, Owner::Task(id)));
        let signal = if halt.interrupted { signal::INT } else { halt.stop.signal };
        let plain = access.is_none() && signal == signal::TRAP;
        Ok((!plain).then_some(Stop::Signal { id, signal, access }))
    }

    /// Executes the instruction at hand, whatever is inserted there.
    pub(super) fn leave_instruction(&mut self) -> Result<Halt> {
        self.breakpoints.tidy(&mut self.machine)?;
        let rip = self.machine.register("rip")?;
        self.breakpoints.without(&mut self.machine, rip, |machine| machine.resume(Resume::Step))
    }

    /// Lets the machine run until it stops.
    fn advance(&mut self) -> Result<Event> {
        if self.machine.wires.take_interrupt() == Some(Heard::Interrupt) {
            return Ok(Event::Stop(Stop::at(self.whom()?, signal::INT)));
        }
        self.breakpoints.tidy(&mut self.machine)?;
        let before = self.machine.register("rip")?;
        let stepped = self.breakpoints.any_at(before);
        let halt = if stepped {
            self.leave_instruction()?
        } else {
            self.machine.resume(Resume::Continue)?
        };
        if let Some(event) = self.at_hook()? {
            return Ok(event);
        }
        self.meaning(halt, stepped)
    }

    pub(super) fn meaning(&mut self, halt: Halt, stepped: bool) -> Result<Event> {
        let rip = self.machine.register("rip")?;
        let current = self.tasks.current(&mut self.machine)?;
        let owner = current.map(Owner::Task);
        if halt.interrupted {
            return Ok(Event::Stop(Stop::at(self.whom()?, signal::INT)));
        }
        if let Some(access) = halt.stop.access {
            let Some(id) = current else { return Ok(Event::Nothing) };
            let signal = halt.stop.signal;
            return Ok(if self.breakpoints.watched(access, Owner::Task(id)) {
                Event::Stop(Stop::Signal { id, signal, access: Some(access) })
            } else if self.breakpoints.watched_for_all(access) {
                // gdb would take no notice of an access by another inferior than that of the
                // watchpoint.
                Event::Stop(Stop::at(id, signal))
            } else {
                Event::Nothing
            });
        }
        if let Some(id) = current
            && owner.is_some_and(|owner| self.breakpoints.at(rip, owner))
        {
            return Ok(Event::Stop(Stop::at(id, signal::TRAP)));
        }
        if current == self.stepping && self.breakpoints.at(rip, Owner::Return) {
            return Ok(Event::Arrived);
        }
        let expected = stepped || self.breakpoints.any_at(rip);
        if expected && halt.stop.signal == signal::TRAP {
            return Ok(Event::Nothing);
        }
        Ok(Event::Stop(Stop::at(self.whom()?, halt.stop.signal)))
    }

    /// Takes note of a birth or an end, if the machine has just come to one.
    fn at_hook(&mut self) -> Result<Option<Event>> {
        let rip = self.machine.register("rip")?;
        if rip != self.hooks.spawned && rip != self.hooks.exited {
            return Ok(None);
        }
        let (first, second) = (self.machine.register("rdi")?, self.machine.register("rsi")?);
        let current = self.tasks.current(&mut self.machine)?;
        let wanted = current.filter(|id| self.breakpoints.at(rip, Owner::Task(*id)));
        let also = wanted.map(|id| Stop::at(id, signal::TRAP));
        if rip == self.hooks.spawned {
            self.tasks.born(&mut self.machine, &self.programs, second)?;
            return Ok(Some(Event::Birth(also)));
        }
        let Some(id) = Id::of_pid(first) else { return Ok(Some(Event::Nothing)) };
        self.tasks.ended(id);
        self.detached.retain(|detached| *detached != id);
        if !self.known.contains(&id) {
            return Ok(Some(also.map_or(Event::Nothing, Event::Stop)));
        }
        self.pending = also.filter(|stop| stop.reported() != Some(id));
        // gdb's codes have 32 bits.
        let code = (second & u64::from(u32::MAX)) as u32;
        Ok(Some(Event::Stop(Stop::Exited { id, code })))
    }
}
