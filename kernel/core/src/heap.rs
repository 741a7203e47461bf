//! A binary heap of tasks by a number, least first: O(log n) to enter and to leave from anywhere.
//!
//! Sized once; nothing here allocates afterwards. The policy `fair` keeps its ready tasks in one,
//! the process table its sleepers in another. Equal numbers leave in no particular order.

use alloc::vec::Vec;

use crate::sched::Slot;

/// Tasks by key.
#[derive(Debug)]
pub struct Heap {
    items: Vec<(u64, Slot)>,
    /// Where each slot is in `items`; meaningless for one that is not.
    places: Vec<u32>,
    /// The least key.
    least: u64,
}

impl Heap {
    /// A heap without room: what a static holds until the size is known.
    #[must_use]
    pub const fn empty() -> Self {
        Self { items: Vec::new(), places: Vec::new(), least: u64::MAX }
    }

    /// Room for `capacity` tasks. `None` if there is no memory for it.
    #[must_use]
    pub fn try_new(capacity: usize) -> Option<Self> {
        let mut heap = Self::empty();
        heap.items.try_reserve_exact(capacity).ok()?;
        heap.places.try_reserve_exact(capacity).ok()?;
        heap.places.resize(capacity, 0);
        Some(heap)
    }

    /// The task with the least key.
    #[must_use]
    #[inline]
    pub fn first(&self) -> Option<(u64, Slot)> {
        self.items.first().copied()
    }

    /// The least key; the largest number there is if no task is in it.
    #[must_use]
    #[inline]
    pub fn least(&self) -> u64 {
        self.least
    }

    /// Enters `task`, which is not in it.
    pub fn push(&mut self, key: u64, task: Slot) {
        self.items.push((key, task));
        self.rise(self.items.len() - 1);
        self.note_least();
    }

    /// Takes the task with the least key.
    #[inline]
    pub fn pop(&mut self) -> Option<(u64, Slot)> {
        let first = self.first()?;
        self.take(0);
        Some(first)
    }

    /// Takes `task`, which is in it.
    pub fn remove(&mut self, task: Slot) {
        self.take(self.places[task.index()] as usize);
    }

    #[inline]
    fn take(&mut self, place: usize) {
        self.items.swap_remove(place);
        if place < self.items.len() {
            let settled = self.sink(place);
            self.rise(settled);
        }
        self.note_least();
    }

    fn note_least(&mut self) {
        self.least = self.items.first().map_or(u64::MAX, |item| item.0);
    }

    /// Moves the task at `place` up while its key is less than the one above it.
    fn rise(&mut self, mut place: usize) {
        while place > 0 && self.items[place].0 < self.items[(place - 1) / 2].0 {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        self.note(place);
    }

    /// Moves the task at `place` down while one below it is less; where it comes to rest.
    fn sink(&mut self, mut place: usize) -> usize {
        loop {
            let below = (2 * place + 1..2 * place + 3).filter(|&child| child < self.items.len());
            match below.min_by_key(|&child| self.items[child].0) {
                Some(child) if self.items[child].0 < self.items[place].0 => {
                    self.swap(place, child);
                    place = child;
                }
                _ => break,
            }
        }
        self.note(place);
        place
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.items.swap(a, b);
        self.note(a);
        self.note(b);
    }

    #[expect(clippy::cast_possible_truncation, reason = "slots are 32-bit, so places are")]
    fn note(&mut self, place: usize) {
        self.places[self.items[place].1.index()] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::{Heap, Slot};

    proptest! {
        /// Against a naive model: what leaves is always a least one, and nothing is lost.
        #[test]
        fn behaves_like_a_sorted_list(steps in prop::collection::vec((0..3u8, 0..10usize, 0..50u64), 0..200)) {
            let mut heap = Heap::try_new(10).unwrap();
            let mut model = Vec::<(u64, usize)>::new();
            for (step, index, key) in steps {
                let known = model.iter().position(|&(_, x)| x == index);
                match (step, known) {
                    (0, None) => {
                        heap.push(key, Slot::new(index));
                        model.push((key, index));
                    }
                    (1, Some(at)) => {
                        heap.remove(Slot::new(index));
                        model.remove(at);
                    }
                    (2, _) => match heap.pop() {
                        None => prop_assert!(model.is_empty()),
                        Some((key, slot)) => {
                            prop_assert_eq!(Some(key), model.iter().map(|item| item.0).min());
                            model.retain(|&item| item != (key, slot.index()));
                        }
                    },
                    _ => {}
                }
                prop_assert_eq!(heap.first().map(|item| item.0), model.iter().map(|item| item.0).min());
                prop_assert_eq!(heap.least(), model.iter().map(|item| item.0).min().unwrap_or(u64::MAX));
                prop_assert_eq!(heap.items.len(), model.len());
            }
        }
    }
}
