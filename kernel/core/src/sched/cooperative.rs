//! First come, first served, until it gives way: the default policy.
//!
//! Every task that is ready goes to the end of one queue, and nothing is ever taken from the CPU.

use super::{Enter, Leave, Pick, Policy, Queue, Settings, Slot, Tasks};

/// The policy `cooperative`.
#[derive(Debug)]
pub struct Cooperative {
    pub(super) ready: Queue,
}

impl Cooperative {
    pub(super) const fn new(_settings: &Settings) -> Self {
        Self { ready: Queue::new() }
    }
}

impl Policy for Cooperative {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        self.ready.push_back(tasks, task);
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        Some(Pick { task: self.ready.pop_front(tasks)?, slice: None })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        self.ready.remove(tasks, task);
    }

    #[inline]
    fn left(&mut self, _tasks: &mut Tasks, _task: Slot, _why: Leave, _ran: u64) {}
}
