//! What the table has to do with time and policies: slices, sleepers, changing the policy.

use super::{NEVER, Table};
use crate::process::{Pid, ProcState};
use crate::sched::{AnyPolicy, Enter, Leave, Policy, Queue, Slot};

impl<M> Table<M> {
    /// When the timer must interrupt next: the first sleeper's moment, or the end of the running
    /// task's slice while somebody else is ready. `None`: no interrupt is needed at all.
    #[inline]
    #[must_use]
    pub fn next_due(&self) -> Option<u64> {
        self.due_by(if self.ready > 0 { self.slice_end() } else { NEVER })
    }

    /// The first sleeper's moment, or `end` if that is earlier.
    #[inline]
    pub(super) fn due_by(&self, end: u64) -> Option<u64> {
        let due = end.min(self.sleepers.least());
        (due != NEVER).then_some(due)
    }

    /// Wakes everybody whose moment has come.
    #[inline]
    pub fn wake_due(&mut self, now: u64) {
        while self.sleepers.least() <= now
            && let Some((_, slot)) = self.sleepers.pop()
        {
            self.make_ready(self.on_the_cpu(), slot, now);
        }
    }

    /// Whether the running task has used up its slice and somebody else is ready.
    #[must_use]
    pub fn slice_is_over(&self, now: u64) -> bool {
        self.ready > 0 && self.slice_end() <= now
    }

    /// Whether nothing but itself ends the running task's turn, however many are ready.
    #[must_use]
    pub fn runs_without_end(&self) -> bool {
        self.running().is_some() && self.slice_end() == NEVER
    }

    /// Whether somebody who was ready at `moment` has had no turn since. For the task that was running
    /// at that moment, when it runs again.
    #[must_use]
    pub fn owes_turn(&self, moment: u64) -> bool {
        self.iter()
            .map(|(slot, _)| &self.tasks[slot])
            .any(|task| task.state == ProcState::Ready && task.entered.max(task.since) <= moment)
    }

    /// The policy's name.
    #[must_use]
    pub fn policy_name(&self) -> &'static str {
        self.policy.name()
    }

    /// From now on `policy` chooses. Every ready task enters it in the order in which the old one
    /// would have picked them; the running task gets a slice like everybody else, from `now`. What
    /// the old one remembered of any task is forgotten.
    pub fn set_policy(&mut self, mut policy: AnyPolicy, slice: Option<u64>, now: u64) {
        self.settle();
        let mut order = Queue::new();
        while let Some(pick) = self.policy.pick(&mut self.tasks) {
            self.policy.left(&mut self.tasks, pick.task, Leave::Exited, 0);
            order.push_back(&mut self.tasks, pick.task);
        }
        self.tasks.forget_keys();
        while let Some(task) = order.pop_front(&mut self.tasks) {
            policy.enqueue(&mut self.tasks, task, Enter::Started, 0);
        }
        self.policy = policy;
        let since = self.running.map_or(now, |slot| self.tasks[slot].since);
        self.slice = now.saturating_sub(since).saturating_add(slice.unwrap_or(NEVER));
    }

    /// Gives a task its weight.
    pub fn set_weight(&mut self, slot: Slot, weight: u32) {
        self.settle();
        let ready = self.tasks[slot].state == ProcState::Ready;
        if ready {
            self.policy.remove(&mut self.tasks, slot);
        }
        self.tasks.set_weight(slot, weight);
        if ready {
            self.policy.enqueue(&mut self.tasks, slot, Enter::Started, 0);
        }
    }

    /// Whether `by` may set the weight of the task in `slot`: its own, a descendant's, or any if it
    /// owns the machine.
    #[must_use]
    pub fn may_steer(&self, by: Pid, slot: Slot) -> bool {
        let pid = self[slot].pid;
        by == pid || (!pid.is_kernel_task() && (by == self.owner || self.is_descendant(slot, by)))
    }
}
