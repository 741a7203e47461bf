//! First come, first served, for one tick, then for two, for three, up to a quantum, and from one
//! again.
//!
//! For tests: with a clock that ticks once for each instruction (QEMU's `-icount shift=0`) the slices
//! of a run end at every instruction of a program, and while every one of the kernel's is executed.

use super::{Enter, Leave, Pick, Policy, Queue, Settings, Slot, Tasks};

/// The policy `sweep`.
#[derive(Debug)]
pub struct Sweep {
    ready: Queue,
    slice: u64,
    quantum: u64,
}

impl Sweep {
    pub(super) const fn new(settings: &Settings) -> Self {
        let quantum = if settings.quantum > 0 { settings.quantum } else { 1 };
        Self { ready: Queue::new(), slice: 0, quantum }
    }
}

impl Policy for Sweep {
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        self.ready.push_back(tasks, task);
    }

    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let task = self.ready.pop_front(tasks)?;
        self.slice = if self.slice < self.quantum { self.slice + 1 } else { 1 };
        Some(Pick { task, slice: Some(self.slice) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        self.ready.remove(tasks, task);
    }

    fn left(&mut self, _tasks: &mut Tasks, _task: Slot, _why: Leave, _ran: u64) {}
}
