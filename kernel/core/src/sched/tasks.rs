//! What a switch, queues and policies need of every task, by its slot in the process table.
//!
//! [`Task`] is one record of two cache lines, of which a switch touches the first. There is one for
//! each slot, made at boot, so that neither a switch nor a policy allocates. A task is in at most one
//! queue or set at a time (ready, or waiting for one thing), so one pair of links and one place per
//! task serve them all.

use alloc::vec::Vec;
use core::mem::offset_of;
use core::ops::{Index, IndexMut};

use crate::heap::Heap;
use crate::process::{Counters, ProcState};

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

    /// The same as it stands in links: never [`NONE`].
    pub(crate) const fn index32(self) -> u32 {
        self.0
    }

    /// The slot that a link names; `None` for [`NONE`].
    #[inline]
    pub(crate) fn from_index32(index: u32) -> Option<Self> {
        (index != NONE).then_some(Self(index))
    }
}

/// No task.
pub(crate) const NONE: u32 = u32::MAX;

/// The neighbours of a task in a queue.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Links {
    pub(super) next: u32,
    pub(super) previous: u32,
}

/// One task as the scheduler sees it. Of a slot that is vacant only the links mean something.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Task {
    pub(super) links: Links,
    /// What the machine resumes it by; this crate only hands it on.
    pub(crate) context: usize,
    /// When it was put on the CPU last.
    pub(crate) since: u64,
    pub(crate) counters: Counters,
    pub(crate) state: ProcState,
    /// When it became ready last, but for giving way.
    pub(crate) entered: u64,
    /// Its share of the CPU relative to others, or its level: what `nice` sets.
    pub(super) weight: u32,
    /// Where it is in [`Tasks::order`].
    pub(super) place: u32,
    /// What a policy remembers of it while it is away.
    pub(super) key: u64,
}

const _: () = assert!(
    size_of::<Task>() == 128 && offset_of!(Task, state) < 64,
    "two cache lines, the first of which has what a switch touches"
);

/// The weight of a task that nobody gave one.
pub const DEFAULT_WEIGHT: u32 = 100;

impl Task {
    const VACANT: Self = Self {
        links: Links { next: NONE, previous: NONE },
        context: 0,
        since: 0,
        counters: Counters::ZERO,
        state: ProcState::Embryo,
        entered: 0,
        weight: DEFAULT_WEIGHT,
        place: NONE,
        key: 0,
    };

    /// It is on the CPU from `now` on.
    #[inline(always)]
    pub(crate) fn put_on_cpu(&mut self, now: u64) {
        self.since = now;
        self.counters.cpu = self.counters.cpu.wrapping_sub(now);
    }

    /// It is no longer on the CPU.
    #[inline(always)]
    pub(crate) fn take_off_cpu(&mut self, now: u64) {
        self.counters.cpu = self.counters.cpu.wrapping_add(now);
    }

    /// The slot of the task behind it in its queue, or [`NONE`].
    #[inline]
    pub(crate) fn next(&self) -> u32 {
        self.links.next
    }

    /// What the machine resumes it by, as it was given.
    #[must_use]
    #[inline]
    pub fn context(&self) -> usize {
        self.context
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> ProcState {
        self.state
    }

    /// What it has used so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// What queues and policies keep for every task, by slot.
#[derive(Debug)]
pub struct Tasks {
    pub(super) records: Vec<Task>,
    /// Tasks in no order, to choose from; has room for all of them.
    pub(super) order: Vec<u32>,
    /// Tasks by a key of the policy's; has room for all of them.
    pub(super) heap: Heap,
}

impl Tasks {
    /// Room for nobody: what a static holds until the size is known.
    #[must_use]
    pub const fn empty() -> Self {
        Self { records: Vec::new(), order: Vec::new(), heap: Heap::empty() }
    }

    /// Room for `capacity` tasks. `None` if there is no memory for it.
    #[must_use]
    pub fn try_new(capacity: usize) -> Option<Self> {
        let mut tasks = Self::empty();
        tasks.records.try_reserve_exact(capacity).ok()?;
        tasks.records.resize(capacity, Task::VACANT);
        tasks.order.try_reserve_exact(capacity).ok()?;
        tasks.heap = Heap::try_new(capacity)?;
        Some(tasks)
    }

    /// A task that is being made takes the place of whoever was in `slot`, which is in no queue.
    pub(crate) fn enter(&mut self, slot: Slot, context: usize) {
        self[slot] = Task { context, ..Task::VACANT };
    }

    /// Forgets what the policy in force remembered of tasks: another one takes over.
    pub fn forget_keys(&mut self) {
        self.records.iter_mut().for_each(|task| task.key = 0);
    }

    /// The task's weight.
    #[must_use]
    pub fn weight(&self, slot: Slot) -> u32 {
        self[slot].weight
    }

    /// Gives the task a weight, from 1 to 10,000. It must not be in the ready set.
    pub fn set_weight(&mut self, slot: Slot, weight: u32) {
        self[slot].weight = weight.clamp(1, 10_000);
    }

    /// Every record, those of vacant slots too.
    #[inline]
    pub(crate) fn records(&self) -> &[Task] {
        &self.records
    }

    /// The same, to change them.
    #[inline]
    pub(crate) fn records_mut(&mut self) -> &mut [Task] {
        &mut self.records
    }

    pub(super) fn links(&mut self, slot: u32) -> Option<&mut Links> {
        self.records.get_mut(slot as usize).map(|task| &mut task.links)
    }
}

impl Index<Slot> for Tasks {
    type Output = Task;

    #[inline]
    fn index(&self, slot: Slot) -> &Task {
        &self.records[slot.index()]
    }
}

impl IndexMut<Slot> for Tasks {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut Task {
        &mut self.records[slot.index()]
    }
}
