//! Weighted virtual time: who has had least of the CPU, for its weight, runs next.
//!
//! Each task's virtual time grows by `ran / weight`: time that nobody else wanted costs nothing, or who
//! comes late would get as much before anybody else runs. The ready set is a binary heap by virtual
//! time ([`Heap`](crate::heap::Heap)), O(log n) to enter and leave. A task that was away comes back
//! a quantum before the least of those that stayed, at most: it runs soon, and nobody saves up more
//! than that by sleeping. A yield goes behind the one that is first now. (Virtual time as in Demers,
//! Keshav, Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", 1989.)

use super::{DEFAULT_WEIGHT, Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `fair`.
#[derive(Debug)]
pub struct Fair {
    quantum: u64,
    /// What the least virtual time was at last, of those that are ready and the one that runs: who comes
    /// starts there.
    now: u64,
}

impl Fair {
    pub(super) const fn new(settings: &Settings) -> Self {
        Self { quantum: settings.quantum, now: settings.quantum }
    }

    fn charge(&mut self, tasks: &mut Tasks, task: Slot, ran: u64) {
        let first = tasks.heap.least();
        let entity = &mut tasks[task];
        let cost = u128::from(ran) * u128::from(DEFAULT_WEIGHT) / u128::from(entity.weight);
        entity.key = entity.key.saturating_add(u64::try_from(cost).unwrap_or(u64::MAX));
        // Of a task that only comes back nothing follows: another one runs.
        if ran > 0 {
            self.now = self.now.max(entity.key.min(first));
        }
    }
}

impl Policy for Fair {
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64) {
        self.charge(tasks, task, ran);
        let first = tasks.heap.first().map_or(self.now, |(key, _)| key);
        let entity = &mut tasks[task];
        entity.key = match why {
            Enter::Started => entity.key.max(self.now),
            Enter::Woken => entity.key.max(self.now.saturating_sub(self.quantum)),
            Enter::Yielded => entity.key.max(first.saturating_add(1)),
            Enter::SliceUsedUp => entity.key,
        };
        let key = entity.key;
        tasks.heap.push(key, task);
    }

    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let (key, task) = tasks.heap.pop()?;
        self.now = self.now.max(key);
        Some(Pick { task, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        tasks.heap.remove(task);
    }

    fn left(&mut self, tasks: &mut Tasks, task: Slot, _why: Leave, ran: u64) {
        self.charge(tasks, task, ran);
    }
}
