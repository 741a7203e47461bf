//! Intrusive first-in, first-out queues of tasks: O(1) everywhere, no allocation.
//!
//! A task is in at most one queue at a time (ready, or waiting for one thing), so one pair of
//! links per task serves them all.

use super::tasks::{Links, NONE, Slot, Tasks};

/// A queue of tasks. Empty by default.
#[derive(Debug)]
#[repr(C)]
pub struct Queue {
    pub(super) head: u32,
    tail: u32,
    len: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue {
    /// A queue with nobody in it.
    #[must_use]
    pub const fn new() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }

    /// How many tasks are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nobody is in it.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head == NONE
    }

    /// The task that has been in it longest.
    #[must_use]
    #[inline]
    pub fn front(&self) -> Option<Slot> {
        (self.head != NONE).then_some(Slot(self.head))
    }

    /// The task behind `task`.
    #[must_use]
    pub fn after(&self, tasks: &Tasks, task: Slot) -> Option<Slot> {
        let next = tasks[task].links.next;
        (next != NONE).then_some(Slot(next))
    }

    /// Puts `task`, which is in no queue, at the end.
    #[inline]
    pub fn push_back(&mut self, tasks: &mut Tasks, task: Slot) {
        tasks[task].links = Links { next: NONE, previous: self.tail };
        match tasks.links(self.tail) {
            Some(last) => last.next = task.0,
            None => self.head = task.0,
        }
        self.tail = task.0;
        self.len += 1;
    }

    /// Takes the task that has been in it longest.
    #[inline]
    pub fn pop_front(&mut self, tasks: &mut Tasks) -> Option<Slot> {
        let first = self.head;
        let next = tasks.links(first)?.next;
        self.head = next;
        match tasks.links(next) {
            Some(second) => second.previous = NONE,
            None => self.tail = NONE,
        }
        self.len -= 1;
        Some(Slot(first))
    }

    /// Takes `task`, which is in this queue, out of it.
    pub fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let Links { next, previous } = tasks[task].links;
        match tasks.links(previous) {
            Some(before) => before.next = next,
            None => self.head = next,
        }
        match tasks.links(next) {
            Some(behind) => behind.previous = previous,
            None => self.tail = previous,
        }
        self.len -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::{Queue, Slot, Tasks};

    proptest! {
        /// Against a naive model: any sequence of push, pop and remove leaves the same order.
        #[test]
        fn behaves_like_a_list(steps in prop::collection::vec((0..3u8, 0..8usize), 0..200)) {
            let mut tasks = Tasks::try_new(8).unwrap();
            let mut queue = Queue::default();
            let mut model = VecDeque::new();
            for (step, index) in steps {
                match step {
                    0 if !model.contains(&index) => {
                        queue.push_back(&mut tasks, Slot::new(index));
                        model.push_back(index);
                    }
                    1 => prop_assert_eq!(queue.pop_front(&mut tasks).map(Slot::index), model.pop_front()),
                    _ => if let Some(at) = model.iter().position(|&x| x == index) {
                        queue.remove(&mut tasks, Slot::new(index));
                        model.remove(at);
                    }
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.is_empty(), model.is_empty());
                let mut walk = queue.front();
                for &expected in &model {
                    prop_assert_eq!(walk.map(Slot::index), Some(expected));
                    walk = queue.after(&tasks, walk.unwrap());
                }
                prop_assert_eq!(walk, None);
            }
        }
    }
}
