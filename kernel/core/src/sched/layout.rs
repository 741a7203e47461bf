//! Where the ready tasks are kept, for debuggers that read it from outside.
//!
//! A policy that keeps its tasks in queues says where the first is, how many there are and how far
//! apart; the last is served first. A queue may be a circle, whose last task leads to its first, and
//! which holds one task that is not ready, if that is said to be picked. While the table passes the
//! turn without asking the policy, `table.turn` is the one that was picked and first in the first
//! queue. A policy that goes by the key in each task's record says `keyed`; of any other nothing is
//! known but that its tasks are those that are ready.

use core::mem::offset_of;

use super::circle::Circle;
use super::cooperative::Cooperative;
use super::priority::{Level, Priority};
use super::round_robin::RoundRobin;
use super::tasks::{Links, Task};
use super::{AnyPolicy, Queue, Tasks};
use crate::process::Counters;

const _: () = assert!(
    offset_of!(Circle, turn) == offset_of!(Queue, head),
    "both begin where their first task is named"
);

impl Tasks {
    /// Every address, offset and size that following a queue takes, by name.
    pub(crate) fn layout(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("tasks", self.records.as_ptr().addr()),
            ("task.size", size_of::<Task>()),
            ("task.next", offset_of!(Task, links) + offset_of!(Links, next)),
            ("task.context", offset_of!(Task, context)),
            ("task.state", offset_of!(Task, state)),
            ("task.voluntary", offset_of!(Task, counters) + offset_of!(Counters, voluntary)),
            ("task.forced", offset_of!(Task, counters) + offset_of!(Counters, forced)),
            ("task.key", offset_of!(Task, key)),
            ("task.weight", offset_of!(Task, weight)),
        ]
        .into_iter()
        .map(|(name, value)| (name, value as u64))
    }
}

impl AnyPolicy {
    /// The address of the policy's tag, and for each policy how it keeps its ready tasks.
    pub(crate) fn layout(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let here = (&raw const *self).addr();
        // Of a `repr(u8)` enum: the tag, then the payload where its alignment allows.
        let cooperative = here + align_of::<Cooperative>() + offset_of!(Cooperative, ready);
        let round_robin = here + align_of::<RoundRobin>() + offset_of!(RoundRobin, circles);
        let levels = here + align_of::<Priority>() + offset_of!(Priority, levels);
        [
            ("policy", here),
            ("queue.head", offset_of!(Queue, head)),
            ("queues.cooperative", cooperative),
            ("queues.cooperative.count", 1),
            ("queues.cooperative.stride", size_of::<Circle>()),
            ("queues.cooperative.picked", cooperative + offset_of!(Circle, picked)),
            ("queues.round-robin", round_robin),
            ("queues.round-robin.count", 2),
            ("queues.round-robin.stride", size_of::<Circle>()),
            ("queues.round-robin.picked", round_robin + offset_of!(Circle, picked)),
            ("queues.priority", levels + offset_of!(Level, ready)),
            ("queues.priority.count", Priority::LEVELS),
            ("queues.priority.stride", size_of::<Level>()),
            ("keyed.fair", 1),
        ]
        .into_iter()
        .map(|(name, value)| (name, value as u64))
    }
}
