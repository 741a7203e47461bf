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
    quantum: u64,
}

impl Priority {
    pub(super) const LEVELS: usize = LEVELS;

    pub(super) const fn new(settings: &Settings) -> Self {
        let levels = [const { Level { ready: Queue::new(), passed_over: 0 } }; LEVELS];
        Self { levels, quantum: settings.quantum }
    }

    fn level(&mut self, tasks: &Tasks, task: Slot) -> &mut Level {
        let level = (tasks.weight(task) / STEP).saturating_sub(1) as usize;
        &mut self.levels[level.min(LEVELS - 1)]
    }
}

impl Policy for Priority {
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        self.level(tasks, task).ready.push_back(tasks, task);
    }

    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let waiting = |level: &Level| !level.ready.is_empty();
        let starving = |level: &Level| waiting(level) && level.passed_over >= PATIENCE;
        let chosen = self
            .levels
            .iter()
            .position(starving)
            .or_else(|| self.levels.iter().rposition(waiting))?;
        for (index, level) in self.levels.iter_mut().enumerate() {
            let served = index == chosen || level.ready.is_empty();
            level.passed_over = if served { 0 } else { level.passed_over + 1 };
        }
        let task = self.levels[chosen].ready.pop_front(tasks)?;
        Some(Pick { task, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        self.level(tasks, task).ready.remove(tasks, task);
    }

    fn left(&mut self, _tasks: &mut Tasks, _task: Slot, _why: Leave, _ran: u64) {}
}
