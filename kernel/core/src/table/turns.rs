//! The short way of a switch: the turn passes to the task behind the running one.
//!
//! While the policy [takes turns](crate::sched::Policy::takes_turns) the next task is known: it is
//! the next link of the record that the running task has anyway. [`Table::pass_turn`] then does
//! what [`Table::yield_now`] and [`Table::run`] do together, in a dozen loads and stores. The policy
//! hears of it when something else is wanted of it ([`Table::settle`]), so every move that asks the
//! policy settles first.
//!
//! What the timer interrupts for is here too: nearly always nothing, or the end of a turn.

use super::{NEVER, Table};
use crate::process::ProcState;
use crate::sched::{Decision, NONE, Policy, Slot};

/// Why a turn ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TurnEnd {
    /// The task gives way.
    Yielded,
    /// Its slice is used up.
    SliceUsedUp,
}

/// What is to be done about an interrupt of the timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tick {
    /// The running task goes on; this moment is the next that something is due.
    GoesOn(Option<u64>),
    /// Another task runs: what that is resumed by, and the next moment that something is due.
    Passed(usize, Option<u64>),
    /// No task runs: nothing was done.
    Idle,
}

impl<M> Table<M> {
    /// As [`tick`](Self::tick) where nobody is to be woken and the policy need not be asked; else `None`,
    /// and nothing has happened. (Before the end of a slice the timer fires when somebody gave way
    /// meanwhile: it is not armed anew at each switch.)
    #[inline(always)]
    pub fn short_tick(&mut self, now: u64) -> Option<Tick> {
        let sleepers = self.sleepers.least();
        if sleepers <= now {
            return None;
        }
        let task = self.tasks.records().get(self.turn as usize)?;
        if now.wrapping_sub(task.since) < self.slice {
            let end = task.since.checked_add(self.slice).filter(|_| self.ready > 0)?;
            return Some(Tick::GoesOn(Some(end.min(sleepers))));
        }
        // The slice has an end, or it would not be over: so the next one has one too.
        let context = self.pass_turn(TurnEnd::SliceUsedUp, now)?;
        Some(Tick::Passed(context, Some(now.wrapping_add(self.slice).min(sleepers))))
    }

    /// The timer has fired: wakes the sleepers whose moment has come, and ends the slice of the running
    /// task if it is over and somebody else is ready.
    #[inline(always)]
    pub fn tick(&mut self, now: u64) -> Tick {
        let Some(me) = self.running() else { return Tick::Idle };
        self.wake_due(now);
        let end = if self.ready > 0 { self.slice_from(self.tasks[me].since) } else { NEVER };
        if end <= now
            && let Decision::SwitchTo(slot) = self.slice_used_up(now)
        {
            let context = self.run(slot, now);
            let due = self.due_by(self.slice_from(now));
            return if slot == me { Tick::GoesOn(due) } else { Tick::Passed(context, due) };
        }
        Tick::GoesOn(self.due_by(end))
    }

    /// The running task is Ready again and the one behind it Running; what that is resumed by.
    /// `None`, and nothing has happened, if the policy is to be asked or nobody else is ready.
    #[inline(always)]
    pub fn pass_turn(&mut self, end: TurnEnd, now: u64) -> Option<usize> {
        let tasks = self.tasks.records_mut();
        let me = self.turn as usize;
        let next = tasks.get(me)?.next();
        let task = tasks.get_mut(next as usize)?;
        // Not so if it is the running task itself: then it is the only one.
        task.state.run().ok()?;
        task.put_on_cpu(now);
        let context = task.context;
        let task = &mut tasks[me];
        debug_assert_eq!(task.state, ProcState::Running, "who has the turn runs");
        task.state = ProcState::Ready;
        task.take_off_cpu(now);
        let counters = &mut task.counters;
        match end {
            TurnEnd::Yielded => counters.voluntary = counters.voluntary.wrapping_add(1),
            TurnEnd::SliceUsedUp => {
                counters.forced = counters.forced.wrapping_add(1);
                self.forced = self.forced.wrapping_add(1);
            }
        }
        self.turn = next;
        Some(context)
    }

    /// The task in `slot`, which was picked and is about to run, may pass its turn if the policy
    /// lets it.
    pub(super) fn open_turns(&mut self, slot: Slot) {
        self.turn = if self.policy.takes_turns() { slot.index32() } else { NONE };
    }

    /// Tells the policy whose turn it is by now: from here on it is asked.
    pub(super) fn settle(&mut self) {
        if let Some(slot) = self.holds_turn() {
            self.policy.passed(slot);
            self.running = Some(slot);
            self.turn = NONE;
        }
    }

    /// The running task, if it may pass its turn.
    #[inline]
    pub(super) fn holds_turn(&self) -> Option<Slot> {
        Slot::from_index32(self.turn)
    }

    /// When the running task's slice ends.
    #[inline]
    pub(super) fn slice_end(&self) -> u64 {
        self.running().map_or(NEVER, |slot| self.slice_from(self.tasks[slot].since))
    }

    #[inline]
    fn slice_from(&self, since: u64) -> u64 {
        since.saturating_add(self.slice)
    }
}
