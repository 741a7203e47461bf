//! First come, first served, until it gives way: the default policy.
//!
//! Every task that is ready is the last to have a turn, and nothing is ever taken from the CPU.

use super::circle::Circle;
use super::{Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `cooperative`.
#[derive(Debug)]
pub struct Cooperative {
    pub(super) ready: Circle,
}

impl Cooperative {
    pub(super) const fn new(_settings: &Settings) -> Self {
        Self { ready: Circle::new() }
    }
}

impl Policy for Cooperative {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        self.ready.enter(tasks, task);
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        Some(Pick { task: self.ready.pick(tasks)?, slice: None })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        self.ready.remove(tasks, task);
    }

    #[inline]
    fn left(&mut self, tasks: &mut Tasks, task: Slot, _why: Leave, _ran: u64) {
        self.ready.left(tasks, task);
    }

    fn takes_turns(&self) -> bool {
        self.ready.holds_picked()
    }

    fn passed(&mut self, task: Slot) {
        self.ready.passed(task);
    }
}
