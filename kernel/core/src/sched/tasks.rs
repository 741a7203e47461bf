//! What queues and policies keep for every task, by its slot in the process table.
//!
//! Sized once at boot, so that no policy allocates. A task is in at most one queue or set at a time
//! (ready, or waiting for one thing), so one pair of links and one place per task serve them all.

use alloc::vec::Vec;

use crate::heap::Heap;

/// Where a task lies in the process table. Reused; a [`Pid`](crate::process::Pid) is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Slot(pub(super) u32);

impl Slot {
    /// The slot with this index.
    ///
    /// # Panics
    /// If `index` does not fit in 32 bits, or is the value that stands for "no task".
    #[must_use]
    #[inline]
    pub const fn new(index: usize) -> Self {
        assert!(index < NONE as usize, "a process table has fewer than 2^32 - 1 slots");
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        Self(index as u32)
    }

    /// Its index in the table.
    #[must_use]
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// No task.
pub(super) const NONE: u32 = u32::MAX;

/// The neighbours of a task in a queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    pub(super) next: u32,
    pub(super) previous: u32,
}

/// A task as a policy sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entity {
    /// Its share of the CPU relative to others, or its level: what `nice` sets.
    pub(super) weight: u32,
    /// Where it is in [`Tasks::order`].
    pub(super) place: u32,
    /// What a policy remembers of it while it is away.
    pub(super) key: u64,
}

/// The weight of a task that nobody gave one.
pub const DEFAULT_WEIGHT: u32 = 100;

/// What queues and policies keep for every task, by slot.
#[derive(Debug)]
pub struct Tasks {
    pub(super) links: Vec<Links>,
    pub(super) entities: Vec<Entity>,
    /// Tasks in no order, to choose from; has room for all of them.
    pub(super) order: Vec<u32>,
    /// Tasks by a key of the policy's; has room for all of them.
    pub(super) heap: Heap,
}

impl Tasks {
    /// Room for nobody: what a static holds until the size is known.
    #[must_use]
    pub const fn empty() -> Self {
        Self { links: Vec::new(), entities: Vec::new(), order: Vec::new(), heap: Heap::empty() }
    }

    /// Room for `capacity` tasks. `None` if there is no memory for it.
    #[must_use]
    pub fn try_new(capacity: usize) -> Option<Self> {
        let mut tasks = Self::empty();
        tasks.links.try_reserve_exact(capacity).ok()?;
        tasks.links.resize(capacity, Links { next: NONE, previous: NONE });
        tasks.entities.try_reserve_exact(capacity).ok()?;
        let fresh = Entity { weight: DEFAULT_WEIGHT, place: NONE, key: 0 };
        tasks.entities.resize(capacity, fresh);
        tasks.order.try_reserve_exact(capacity).ok()?;
        tasks.heap = Heap::try_new(capacity)?;
        Some(tasks)
    }

    /// Forgets what policies knew of the task that was in `slot`.
    pub fn forget(&mut self, slot: Slot) {
        self.entities[slot.index()] = Entity { weight: DEFAULT_WEIGHT, place: NONE, key: 0 };
    }

    /// Forgets what the policy in force remembered of tasks: another one takes over.
    pub fn forget_keys(&mut self) {
        self.entities.iter_mut().for_each(|entity| entity.key = 0);
    }

    /// The task's weight.
    #[must_use]
    pub fn weight(&self, slot: Slot) -> u32 {
        self.entities[slot.index()].weight
    }

    /// Gives the task a weight, from 1 to 10,000. It must not be in the ready set.
    pub fn set_weight(&mut self, slot: Slot, weight: u32) {
        self.entities[slot.index()].weight = weight.clamp(1, 10_000);
    }

    pub(super) fn entity(&mut self, slot: Slot) -> &mut Entity {
        &mut self.entities[slot.index()]
    }
}
