//! First come, first served, each for at most a quantum.
//!
//! The same queue as `cooperative`; only the answer to "for how long" differs, and with it the
//! timer takes the CPU from a task that others wait for.

use super::circle::Circle;
use super::{Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `round-robin`.
#[derive(Debug)]
pub struct RoundRobin {
    pub(super) ready: Circle,
    quantum: u64,
}

impl RoundRobin {
    pub(super) const fn new(settings: &Settings) -> Self {
        Self { ready: Circle::new(), quantum: settings.quantum }
    }
}

impl Policy for RoundRobin {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        self.ready.enter(tasks, task);
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        Some(Pick { task: self.ready.pick(tasks)?, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        self.ready.remove(tasks, task);
    }

    #[inline]
    fn left(&mut self, tasks: &mut Tasks, task: Slot, _why: Leave, _ran: u64) {
        self.ready.left(tasks, task);
    }
}
