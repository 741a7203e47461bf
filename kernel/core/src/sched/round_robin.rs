//! First come, first served, each for at most a quantum.
//!
//! The circle of `cooperative`; the answer to "for how long" differs, and with it the timer takes the
//! CPU from a task that others wait for. What was woken has a circle of its own and is served at the
//! next opportunity, however many compute: every other turn at most, so that they get theirs.

use super::circle::Circle;
use super::{Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `round-robin`.
#[derive(Debug)]
pub struct RoundRobin {
    /// Those that ran, where the one on the CPU keeps its place, and those that were woken.
    pub(super) circles: [Circle; 2],
    /// Whether the last turn went to one that was woken.
    served_woken: bool,
    quantum: u64,
}

/// Which circle a task is in is remembered as its key.
const RAN: u64 = 0;
const WOKEN: u64 = 1;

impl RoundRobin {
    pub(super) const fn new(settings: &Settings) -> Self {
        let circles = [Circle::new(), Circle::new()];
        Self { circles, served_woken: false, quantum: settings.quantum }
    }
}

impl Policy for RoundRobin {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, _ran: u64) {
        let [ran, woken] = &mut self.circles;
        let (key, circle) = if why == Enter::Woken { (WOKEN, woken) } else { (RAN, ran) };
        tasks[task].key = key;
        circle.enter(tasks, task);
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let [ran, woken] = &mut self.circles;
        let may_serve_woken = !self.served_woken || ran.nobody_waits(tasks);
        self.served_woken = may_serve_woken && !woken.nobody_waits(tasks);
        let task = if self.served_woken {
            let task = woken.pick(tasks)?;
            woken.left(tasks, task);
            task
        } else {
            ran.pick(tasks)?
        };
        Some(Pick { task, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let [ran, woken] = &mut self.circles;
        if tasks[task].key == WOKEN { woken } else { ran }.remove(tasks, task);
    }

    #[inline]
    fn left(&mut self, tasks: &mut Tasks, task: Slot, _why: Leave, _ran: u64) {
        self.circles[0].left(tasks, task);
    }
    fn takes_turns(&self) -> bool {
        let [ran, woken] = &self.circles;
        ran.holds_picked() && woken.is_empty() && !self.served_woken
    }

    fn passed(&mut self, task: Slot) {
        self.circles[0].passed(task);
    }
}
