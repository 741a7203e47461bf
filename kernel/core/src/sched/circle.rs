//! A circle of tasks that take turns: what the first-come-first-served policies are made of.
//!
//! The task that was picked keeps its place, so that giving way moves nothing but the turn: one
//! load, however many tasks there are. It is no longer in the ready set all the same: unless it is
//! the next to [`enter`](Circle::enter), it loses its place.

use super::tasks::{Links, NONE, Slot, Tasks};

/// Tasks in order of their turns.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Circle {
    /// Whose turn it is.
    pub(super) turn: u32,
    /// The task that was picked and keeps its place: it is `turn`, or there is none.
    pub(super) picked: u32,
}

impl Circle {
    /// A circle with nobody in it.
    pub(super) const fn new() -> Self {
        Self { turn: NONE, picked: NONE }
    }

    /// Whether nobody is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.turn == NONE
    }

    /// Whether nobody in it is ready; a task that was picked loses its place.
    #[inline(always)]
    pub(super) fn nobody_waits(&mut self, tasks: &mut Tasks) -> bool {
        self.forget_picked(tasks);
        self.turn == NONE
    }

    /// `task`, which is not in the ready set, is the last to have a turn.
    #[inline(always)]
    pub(super) fn enter(&mut self, tasks: &mut Tasks, task: Slot) {
        if self.picked == task.0 {
            self.turn = tasks[task].links.next;
            self.picked = NONE;
        } else {
            self.insert(tasks, task);
        }
    }

    /// Takes the task whose turn it is out of the ready set.
    #[inline(always)]
    pub(super) fn pick(&mut self, tasks: &mut Tasks) -> Option<Slot> {
        self.forget_picked(tasks);
        self.picked = self.turn;
        (self.turn != NONE).then_some(Slot(self.turn))
    }

    /// Whether the task that runs keeps its place, so that giving way passes the turn.
    pub(super) fn holds_picked(&self) -> bool {
        self.picked != NONE
    }

    /// The turn was passed along the circle to `task`.
    pub(super) fn passed(&mut self, task: Slot) {
        (self.turn, self.picked) = (task.0, task.0);
    }

    #[inline(always)]
    fn forget_picked(&mut self, tasks: &mut Tasks) {
        if self.picked != NONE {
            self.remove(tasks, Slot(self.picked));
        }
    }

    /// `task` was picked, and will not enter again.
    pub(super) fn left(&mut self, tasks: &mut Tasks, task: Slot) {
        if self.picked == task.0 {
            self.remove(tasks, task);
        }
    }

    /// Takes `task`, which is in the circle, out of it.
    #[inline(never)]
    pub(super) fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let Links { next, previous } = tasks[task].links;
        tasks.records[previous as usize].links.next = next;
        tasks.records[next as usize].links.previous = previous;
        if self.turn == task.0 {
            self.turn = if next == task.0 { NONE } else { next };
        }
        if self.picked == task.0 {
            self.picked = NONE;
        }
    }

    #[inline(never)]
    fn insert(&mut self, tasks: &mut Tasks, task: Slot) {
        if self.turn == NONE {
            tasks[task].links = Links { next: task.0, previous: task.0 };
            self.turn = task.0;
            return;
        }
        let previous = tasks.records[self.turn as usize].links.previous;
        tasks[task].links = Links { next: self.turn, previous };
        tasks.records[previous as usize].links.next = task.0;
        tasks.records[self.turn as usize].links.previous = task.0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::{Circle, Slot, Tasks};

    proptest! {
        /// Against a naive model: any sequence of verbs has the same turns.
        #[test]
        fn behaves_like_a_queue(steps in prop::collection::vec((0..5u8, 0..8usize), 0..200)) {
            let mut tasks = Tasks::try_new(8).unwrap();
            let mut circle = Circle::new();
            let (mut model, mut picked) = (VecDeque::new(), None);
            for (step, index) in steps {
                match step {
                    0 => if let Some(index) = picked.take() {
                        circle.enter(&mut tasks, Slot::new(index));
                        model.push_back(index);
                    },
                    1 if !model.contains(&index) && picked != Some(index) => {
                        circle.enter(&mut tasks, Slot::new(index));
                        model.push_back(index);
                    }
                    2 => if let Some(index) = picked.take() {
                        circle.left(&mut tasks, Slot::new(index));
                    },
                    3 => if let Some(at) = model.iter().position(|&x| x == index) {
                        circle.remove(&mut tasks, Slot::new(index));
                        model.remove(at);
                    },
                    _ => {
                        picked = model.pop_front();
                        prop_assert_eq!(circle.pick(&mut tasks).map(Slot::index), picked);
                    }
                }
            }
            while let Some(index) = model.pop_front() {
                prop_assert_eq!(circle.pick(&mut tasks).map(Slot::index), Some(index));
            }
            prop_assert_eq!(circle.pick(&mut tasks), None);
        }
    }
}
