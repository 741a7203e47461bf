//! First come, first served, each for at most a quantum.
//!
//! The circle of `cooperative`; the answer to "for how long" differs, and with it the timer takes the
//! CPU from a task that others wait for. Those that were woken have a circle of their own and are all
//! served at the next opportunity, however many compute; but once they have had a quantum together,
//! it is the turn of one that computes.

use super::circle::Circle;
use super::{Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `round-robin`.
#[derive(Debug)]
pub struct RoundRobin {
    /// Those that ran, where the one on the CPU keeps its place, and those that were woken.
    pub(super) circles: [Circle; 2],
    /// For how long those that were woken ran since one that computes had a turn.
    woken_ran: u64,
    quantum: u64,
}

/// Which circle a task is in is remembered as its key.
const RAN: u64 = 0;
const WOKEN: u64 = 1;

impl RoundRobin {
    pub(super) const fn new(settings: &Settings) -> Self {
        let circles = [Circle::new(), Circle::new()];
        Self { circles, woken_ran: 0, quantum: settings.quantum }
    }

    /// `task` ran for so long; its key says as what it was picked.
    #[inline]
    fn charge(&mut self, tasks: &Tasks, task: Slot, ran: u64) {
        if tasks[task].key == WOKEN {
            self.woken_ran = self.woken_ran.saturating_add(ran);
        }
    }
}

impl Policy for RoundRobin {
    #[inline]
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64) {
        self.charge(tasks, task, ran);
        let [ran, woken] = &mut self.circles;
        let (key, circle) = if why == Enter::Woken { (WOKEN, woken) } else { (RAN, ran) };
        tasks[task].key = key;
        circle.enter(tasks, task);
    }

    #[inline]
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        let [ran, woken] = &mut self.circles;
        let may_serve_woken = self.woken_ran < self.quantum || ran.nobody_waits(tasks);
        let task = if may_serve_woken && !woken.nobody_waits(tasks) {
            let task = woken.pick(tasks)?;
            woken.left(tasks, task);
            task
        } else {
            self.woken_ran = 0;
            ran.pick(tasks)?
        };
        Some(Pick { task, slice: Some(self.quantum) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let [ran, woken] = &mut self.circles;
        if tasks[task].key == WOKEN { woken } else { ran }.remove(tasks, task);
    }

    #[inline]
    fn left(&mut self, tasks: &mut Tasks, task: Slot, _why: Leave, ran: u64) {
        self.charge(tasks, task, ran);
        self.circles[0].left(tasks, task);
    }

    fn takes_turns(&self) -> bool {
        let [ran, woken] = &self.circles;
        ran.holds_picked() && woken.is_empty()
    }

    fn passed(&mut self, task: Slot) {
        self.circles[0].passed(task);
    }
}
