//! Levels: the highest that has a task runs first, each task for a quantum; ageing sees to it that
//! nobody starves.
//!
//! A task's weight chooses its level, 1 (lowest) to [`LEVELS`]: every 25 of weight is one level, so
//! that the default of 100 is level 4. A level that was passed over [`PATIENCE`] times in a row is
//! served once, lowest first. All of it costs the same however many tasks there are.

use super::{Enter, Leave, Pick, Policy, Queue, Settings, Slot, Tasks};

/// How many levels there are.
const LEVELS: usize = 8;

/// After how many picks in favour of others a level is served out of turn.
const PATIENCE: u32 = 16;

/// Weight from one level to the next.
const STEP: u32 = 25;

#[derive(Debug)]
pub(super) struct Level {
    pub(super) ready: Queue,
    passed_over: u32,
}

/// The policy `priority`.
#[derive(Debug)]
pub struct Priority {
    pub(super) levels: [Level; LEVELS],
    /// The levels that have a task, one bit each.
    waiting: u8,
    /// Those of them that were passed over too often.
    starving: u8,
    quantum: u64,
}

const _: () = assert!(LEVELS == u8::BITS as usize, "one bit for each level");

impl Priority {
    pub(super) const LEVELS: usize = LEVELS;

    pub(super) const fn new(settings: &Settings) -> Self {
        let levels = [const { Level { ready: Queue::new(), passed_over: 0 } }; LEVELS];
        Self { levels, waiting: 0, starving: 0, quantum: settings.quantum }
    }

    fn level_of(tasks: &Tasks, task: Slot) -> usize {
        let level = (tasks.weight(task) / STEP).saturating_sub(1) as usize;
        level.min(LEVELS - 1)
    }

    /// `level` was served, or nobody is in it: its patience begins anew.
    fn satisfy(&mut self, level: usize) {
        self.levels[level].passed_over = 0;
        self.starving &= !(1 << level);
        if self.levels[level].ready.is_empty() {
            self.waiting &= !(1 << level);
        }
    }
}

impl Policy for Priority {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        let level = Self::level_of(tasks, task);
        self.levels[level].ready.push_back(tasks, task);
        self.waiting |= 1 << level;
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let chosen = match (self.starving, self.waiting) {
            (_, 0) => return None,
            (0, waiting) => waiting.ilog2(),
            (starving, _) => starving.trailing_zeros(),
        } as usize;
        let mut others = self.waiting & !(1 << chosen);
        while others != 0 {
            let level = others.trailing_zeros() as usize;
            others &= others - 1;
            self.levels[level].passed_over += 1;
            if self.levels[level].passed_over >= PATIENCE {
                self.starving |= 1 << level;
            }
        }
        let task = self.levels[chosen].ready.pop_front(tasks)?;
        self.satisfy(chosen);
        Some(Pick { task, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let level = Self::level_of(tasks, task);
        self.levels[level].ready.remove(tasks, task);
        if self.levels[level].ready.is_empty() {
            self.satisfy(level);
        }
    }

    fn left(&mut self, _tasks: &mut Tasks, _task: Slot, _why: Leave, _ran: u64) {}
}
