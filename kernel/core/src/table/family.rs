//! The family tree: who may wait for and kill whom, and what becomes of orphans.
//!
//! A process has authority over its descendants. When it ends, its children go to whoever waits
//! for them, else to the launcher, which collects them when they end. One process, the owner,
//! may kill everything but the tasks of the kernel.

use orbital_abi::Errno;

use super::Table;
use crate::process::{ExitStatus, Family, Pid, ProcState, Process, WaitFor};
use crate::sched::Slot;

/// Why a process may not wait for, or kill, another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// There is no such process, or it has ended and been collected.
    NoSuchProcess,
    /// It would wait for itself, or for no process at all.
    Nonsense,
    /// It is not a descendant.
    NotADescendant,
    /// Somebody waits for it already.
    AlreadyWaitedFor,
}

impl From<Refused> for Errno {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoSuchProcess => Self::NotFound,
            Refused::Nonsense | Refused::AlreadyWaitedFor => Self::Invalid,
            Refused::NotADescendant => Self::PermissionDenied,
        }
    }
}

/// What there is to wait for.
pub enum Wait<M> {
    /// The process has ended and is out of the table.
    Ended(Process<M>, ExitStatus),
    /// The caller is to block on this, then ask again.
    Block(WaitFor),
}

impl<M> Table<M> {
    /// The process that may kill all others.
    pub fn set_owner(&mut self, owner: Pid) {
        self.owner = owner;
    }

    /// Whether `me` is the process that may kill all others.
    #[must_use]
    pub fn is_owner(&self, me: Slot) -> bool {
        self[me].pid == self.owner
    }

    /// `me` wants the status of `pid`. If that has ended, it is taken out of the table.
    pub fn wait(&mut self, me: Slot, pid: Pid) -> Result<Wait<M>, Refused> {
        let my_pid = self[me].pid;
        if pid == my_pid || pid == Pid::LAUNCHER {
            return Err(Refused::Nonsense);
        }
        let child = self.find(pid).ok_or(Refused::NoSuchProcess)?;
        if !self.is_descendant(child, my_pid) {
            return Err(Refused::NotADescendant);
        }
        if self.has_waiter(child) && self[child].waiter != my_pid {
            return Err(Refused::AlreadyWaitedFor);
        }
        if let ProcState::Exited(status) = self.tasks[child].state {
            return Ok(Wait::Ended(self.remove(child), status));
        }
        self[child].waiter = my_pid;
        Ok(Wait::Block(WaitFor::Child(pid)))
    }

    /// `me` ends `pid`, in whatever state that is; its slot, which stays until it is collected.
    pub fn kill(&mut self, me: Slot, pid: Pid, now: u64) -> Result<Slot, Refused> {
        let my_pid = self[me].pid;
        if pid == my_pid || pid.is_kernel_task() {
            return Err(Refused::NotADescendant);
        }
        let victim = self.find(pid).ok_or(Refused::NoSuchProcess)?;
        if my_pid != self.owner && !self.is_descendant(victim, my_pid) {
            return Err(Refused::NotADescendant);
        }
        self.end(victim, my_pid, now)
    }

    /// The kernel ends `pid` in the name of `by`, when a person asks for it or at power-off.
    pub fn kill_for(&mut self, by: Pid, pid: Pid, now: u64) -> Result<Slot, Refused> {
        let victim = self.find(pid).ok_or(Refused::NoSuchProcess)?;
        self.end(victim, by, now)
    }

    fn end(&mut self, victim: Slot, by: Pid, now: u64) -> Result<Slot, Refused> {
        if matches!(self.tasks[victim].state, ProcState::Exited(_)) {
            return Err(Refused::NoSuchProcess);
        }
        self.end_other(victim, ExitStatus::Killed(by), now);
        Ok(victim)
    }

    /// Takes an orphan that has ended out of the table. The launcher calls this until `None`.
    pub fn take_ended_orphan(&mut self) -> Option<(Process<M>, ExitStatus)> {
        let slot = self.ended_orphans.pop_front(&mut self.tasks)?;
        match self.tasks[slot].state {
            ProcState::Exited(status) => Some((self.remove(slot), status)),
            _ => None,
        }
    }

    /// Takes a process that was never started out of the table.
    pub fn discard(&mut self, slot: Slot) -> Process<M> {
        assert!(
            self.tasks[slot].state == ProcState::Embryo,
            "process table: discard of a started task"
        );
        self.remove(slot)
    }

    /// `slot` has just ended, by the doing of `by`: its children find a new parent, its waiter hears
    /// of it.
    pub(super) fn after_end(&mut self, slot: Slot, by: Pid, now: u64) {
        while let Some(child) = self[slot].family.first_child {
            self.leave_family(child);
            let heir = if self.has_waiter(child) { self[child].waiter } else { Pid::LAUNCHER };
            self.adopt(heir, child);
            if heir == Pid::LAUNCHER && matches!(self.tasks[child].state, ProcState::Exited(_)) {
                self.ended_orphans.push_back(&mut self.tasks, child);
            }
        }
        if self.has_waiter(slot) {
            if let Some(waiter) = self.find(self[slot].waiter) {
                self.wake_by(by, waiter, now);
            }
        } else if self[slot].parent == Pid::LAUNCHER {
            self.ended_orphans.push_back(&mut self.tasks, slot);
            self.wake_kernel_task_by(by, Pid::LAUNCHER, now);
        }
    }

    /// Whether somebody is blocked on the end of `slot`, or was just woken by it.
    fn has_waiter(&self, slot: Slot) -> bool {
        let process = &self[slot];
        let ended = matches!(self.tasks[slot].state, ProcState::Exited(_));
        process.waiter != Pid::LAUNCHER
            && self.find(process.waiter).is_some_and(|waiter| match self.tasks[waiter].state {
                ProcState::Blocked(wait) => wait == WaitFor::Child(process.pid),
                ProcState::Ready | ProcState::Running => ended,
                ProcState::Embryo | ProcState::Exited(_) => false,
            })
    }

    pub(super) fn is_descendant(&self, slot: Slot, ancestor: Pid) -> bool {
        let mut parent = self[slot].parent;
        while parent != ancestor {
            match self.find(parent) {
                Some(slot) if parent != Pid::LAUNCHER => parent = self[slot].parent,
                _ => return false,
            }
        }
        true
    }

    /// Makes `child`, which has no parent in the table, a child of `parent`.
    pub(super) fn adopt(&mut self, parent: Pid, child: Slot) {
        self[child].parent = parent;
        let Some(parent) = self.find(parent).filter(|&parent| parent != child) else {
            return;
        };
        self[parent].family.children += 1;
        let first = self[parent].family.first_child.replace(child);
        self[child].family.next_sibling = first;
        if let Some(first) = first {
            self[first].family.previous_sibling = Some(child);
        }
    }

    /// Takes `child` out of its parent's list.
    pub(super) fn leave_family(&mut self, child: Slot) {
        let Family { next_sibling, previous_sibling, .. } = self[child].family;
        if let Some(parent) = self.find(self[child].parent).filter(|&parent| parent != child) {
            let family = &mut self[parent].family;
            family.children -= 1;
            if previous_sibling.is_none() {
                family.first_child = next_sibling;
            }
        }
        if let Some(before) = previous_sibling {
            self[before].family.next_sibling = next_sibling;
        }
        if let Some(behind) = next_sibling {
            self[behind].family.previous_sibling = previous_sibling;
        }
        self[child].family.next_sibling = None;
        self[child].family.previous_sibling = None;
    }
}
