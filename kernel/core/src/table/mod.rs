//! All processes: the table that owns them, finds them, and tells the policy about them.
//!
//! What there is, and how it is made, is here; how a task is entered, found and taken out in
//! `places`; the moves of a task's life (start, yield, block, wake, exit) in `moves`; the family
//! tree (who may wait for and kill whom, orphans) in `family`; the short way of a switch, without a
//! question to the policy, in `turns`. Everything is sized once at boot: no verb allocates, none searches but where its name says so.
//!
//! What must stay true, and is checked by `Table::check` in tests: at most one task is Running;
//! the policy's ready set is exactly the Ready tasks; a task blocked on input, output or time is
//! in that queue and in no other; every occupied slot is found by its pid.

mod family;
mod layout;
mod moves;
mod places;
mod policy;
#[cfg(test)]
mod tests;
mod turns;

pub use family::{Refused, Wait};
pub use turns::{Tick, TurnEnd};

use alloc::vec::Vec;

use crate::heap::Heap;
use crate::process::{Pid, ProcState, Process};
use crate::sched::{AnyPolicy, NONE, Queue, Slot, Task, Tasks};
use crate::trace::{Effect, Ring};

/// All processes and the policy that chooses among them. `M` is the machine half of each.
pub struct Table<M> {
    slots: Vec<Entry<M>>,
    tasks: Tasks,
    policy: AnyPolicy,
    running: Option<Slot>,
    /// The slot of the running task while the policy lets it pass its turn (`turns`); else [`NONE`].
    turn: u32,
    ready: usize,
    /// When somebody became ready while nobody was: before, the running task kept the CPU from nobody.
    wanted: u64,
    forced: u64,
    waiting_for_input: Queue,
    waiting_for_output: Queue,
    /// Who waits for a moment, by that moment.
    sleepers: Heap,
    /// For how long the running task may run, or the one that was decided on.
    slice: u64,
    ended_orphans: Queue,
    vacant: Queue,
    owner: Pid,
    buckets: Vec<Option<Slot>>,
    next_pid: u64,
    live: usize,
    effects: Ring<Effect>,
}

/// A moment that does not come, and a slice that does not end.
const NEVER: u64 = u64::MAX;

/// One place in the table. The layout is fixed because debuggers read it.
#[repr(C, u8)]
enum Entry<M> {
    Vacant = 0,
    Occupied(Process<M>) = 1,
}

/// The table has no room for another process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl<M> Table<M> {
    /// A table without room: what a static holds until there is a heap.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            slots: Vec::new(),
            tasks: Tasks::empty(),
            policy: AnyPolicy::initial(),
            running: None,
            turn: NONE,
            ready: 0,
            wanted: 0,
            forced: 0,
            waiting_for_input: Queue::new(),
            waiting_for_output: Queue::new(),
            sleepers: Heap::empty(),
            slice: NEVER,
            ended_orphans: Queue::new(),
            vacant: Queue::new(),
            owner: Pid::LAUNCHER,
            buckets: Vec::new(),
            next_pid: 1,
            live: 0,
            effects: Ring::empty(),
        }
    }

    /// A table for at most `capacity` tasks, those of the kernel included.
    /// `None` if there is no memory for it.
    #[must_use]
    pub fn try_new(capacity: usize, policy: AnyPolicy) -> Option<Self> {
        let mut tasks = Tasks::try_new(capacity)?;
        let mut vacant = Queue::new();
        for index in 0..capacity {
            vacant.push_back(&mut tasks, Slot::new(index));
        }
        Some(Self {
            slots: try_filled(capacity, || Entry::Vacant)?,
            buckets: try_filled(capacity.next_power_of_two(), || None)?,
            sleepers: Heap::try_new(capacity)?,
            tasks,
            vacant,
            policy,
            ..Self::empty()
        })
    }

    /// From now on remembers what tasks do to one another, as much as `effects` has room for.
    pub fn remember_effects(&mut self, effects: Ring<Effect>) {
        self.effects = effects;
    }

    /// What tasks did to one another.
    pub fn effects(&self) -> &Ring<Effect> {
        &self.effects
    }

    /// Enters a task of the kernel, with a pid of its own choice, as an Embryo. `context` is what the
    /// machine will resume it by.
    pub fn create_kernel_task(
        &mut self,
        pid: Pid,
        name: &str,
        machine: M,
        context: usize,
    ) -> Result<Slot, Full> {
        self.insert(pid, name, Pid::LAUNCHER, machine, context)
    }

    /// Enters a process with the next pid as an Embryo, child of `parent`. `context` is what the
    /// machine will resume it by.
    pub fn create(
        &mut self,
        name: &str,
        parent: Pid,
        machine: M,
        context: usize,
    ) -> Result<Slot, Full> {
        let slot = self.insert(Pid(self.next_pid), name, parent, machine, context)?;
        self.next_pid += 1;
        Ok(slot)
    }

    /// Whether [`Table::create`] would find room and leave `kept` places free.
    #[must_use]
    pub fn has_room(&self, kept: usize) -> bool {
        self.live + kept < self.slots.len()
    }

    /// The task on the CPU; `None` while the CPU idles.
    #[must_use]
    #[inline]
    pub fn running(&self) -> Option<Slot> {
        self.holds_turn().or(self.running)
    }

    /// What the scheduler keeps of the task in `slot`: its state, what it has used.
    #[must_use]
    #[inline]
    pub fn task(&self, slot: Slot) -> &Task {
        &self.tasks[slot]
    }

    /// How many tasks are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// How many switches the timer has forced.
    #[must_use]
    pub fn forced(&self) -> u64 {
        self.forced
    }

    /// How many tasks there can be.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many processes there are, those that have ended but were not collected included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there is no process at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Every process and its slot, in order of slot.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Process<M>)> {
        self.slots.iter().enumerate().filter_map(|(index, entry)| match entry {
            Entry::Occupied(process) => Some((Slot::new(index), process)),
            Entry::Vacant => None,
        })
    }

    /// Ticks that the task in `slot` has been on the CPU, up to `now`.
    #[must_use]
    pub fn cpu_ticks(&self, slot: Slot, now: u64) -> u64 {
        let task = &self.tasks[slot];
        let open = task.state == ProcState::Running;
        task.counters.cpu.wrapping_add(if open { now } else { 0 })
    }

    /// Counts a page fault that was served for the task in `slot`.
    pub fn count_fault(&mut self, slot: Slot) {
        self.tasks[slot].counters.faults += 1;
    }
}

fn try_filled<T>(len: usize, value: impl FnMut() -> T) -> Option<Vec<T>> {
    let mut items = Vec::new();
    items.try_reserve_exact(len).ok()?;
    items.resize_with(len, value);
    Some(items)
}
