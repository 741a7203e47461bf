//! The rings of the last switches (who, when, why, and where the program was) and of what tasks did
//! to one another ([`Effect`]).
//!
//! The first is written at every switch, so recording is a handful of stores; both are read by a
//! panic, by the file that `scripts/trace.sh` makes, and by debuggers, which find a [`Ring`]
//! through the kernel's offset table.

mod effect;

pub use effect::{Deed, Effect};

use alloc::vec::Vec;
use core::mem::offset_of;

use orbital_abi::records::WHY;

use crate::process::Pid;

/// Why a task left the CPU; [`WHY`] has a word for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Why {
    /// The CPU was idle, until somebody was ready.
    #[default]
    Idle = 0,
    /// It gave way.
    Yielded = 1,
    /// It waits for input.
    BlockedInput = 2,
    /// It waits for room in the output buffer.
    BlockedOutput = 3,
    /// It waits for another task to end.
    BlockedChild = 4,
    /// It waits for a moment.
    BlockedTime = 5,
    /// A kernel task has nothing to do.
    BlockedWork = 6,
    /// It has ended of its own will.
    Exited = 7,
    /// Its slice was used up.
    SliceUsedUp = 8,
    /// The kernel ended it, for a fault or by somebody's wish.
    Killed = 9,
}

impl Why {
    /// The word that commands and files show.
    #[must_use]
    pub const fn word(self) -> &'static str {
        WHY[self as usize]
    }
}

/// One switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Event {
    /// When, in ticks of the kernel's clock.
    pub time: u64,
    /// Where the task that left was in its program; 0 for a kernel task or idle.
    pub rip: u64,
    /// Who left the CPU.
    pub from: Pid,
    /// Who got it.
    pub to: Pid,
    /// Why the first left.
    pub why: Why,
    /// On which CPU.
    pub cpu: u8,
}

/// The last events of one kind, in a buffer whose length is a power of two.
#[derive(Debug)]
#[repr(C)]
pub struct Ring<E = Event> {
    /// How many events there have been.
    count: u64,
    /// One less than there is room for; 0 also where there is none.
    mask: usize,
    events: Vec<E>,
}

impl<E: Copy + Default> Ring<E> {
    /// A ring that keeps nothing: what a static holds until there is a heap.
    #[must_use]
    pub const fn empty() -> Self {
        Self { count: 0, mask: 0, events: Vec::new() }
    }

    /// Room for at least `capacity` events; with 0 they are only counted. `None` if there is no
    /// memory for it.
    #[must_use]
    pub fn try_new(capacity: usize) -> Option<Self> {
        let len = if capacity == 0 { 0 } else { capacity.checked_next_power_of_two()? };
        let mut events = Vec::new();
        events.try_reserve_exact(len).ok()?;
        events.resize(len, E::default());
        Some(Self { count: 0, mask: len.saturating_sub(1), events })
    }

    /// Keeps `event`, in place of the oldest if the ring is full. A dozen instructions.
    #[inline(always)]
    pub fn record(&mut self, event: E) {
        let number = self.count;
        self.count = number.wrapping_add(1);
        if let Some(place) = self.events.get_mut(low_bits(number) & self.mask) {
            *place = event;
        }
    }

    /// How many events there have been.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The events from number `first` on that are still known, oldest first, each with its number.
    pub fn since(&self, first: u64) -> impl Iterator<Item = (u64, &E)> {
        let oldest = self.count.saturating_sub(self.events.len() as u64);
        (first.max(oldest)..self.count).map(|number| (number, &self.events[self.index(number)]))
    }

    /// The last `limit` events that are still known, oldest first, each with its number.
    pub fn last(&self, limit: usize) -> impl Iterator<Item = (u64, &E)> {
        self.since(self.count.saturating_sub(limit as u64))
    }

    /// Where the count and the events lie, and how many events there is room for.
    fn places(&self) -> [usize; 3] {
        [(&raw const self.count).addr(), self.events.as_ptr().addr(), self.events.len()]
    }

    fn index(&self, number: u64) -> usize {
        low_bits(number) & self.mask
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a place")]
const fn low_bits(number: u64) -> usize {
    number as usize
}

impl Ring {
    /// Every address, offset and size that reading the ring from outside takes, by name.
    pub fn layout(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [count, events, capacity] = self.places();
        [
            ("ring.count", count),
            ("ring.events", events),
            ("ring.capacity", capacity),
            ("event.size", size_of::<Event>()),
            ("event.time", offset_of!(Event, time)),
            ("event.rip", offset_of!(Event, rip)),
            ("event.from", offset_of!(Event, from)),
            ("event.to", offset_of!(Event, to)),
            ("event.why", offset_of!(Event, why)),
            ("event.cpu", offset_of!(Event, cpu)),
        ]
        .into_iter()
        .map(|(name, value)| (name, value as u64))
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{Event, Ring};

    #[test]
    fn keeps_the_last_ones_in_order() {
        let mut ring = Ring::<Event>::try_new(4).unwrap();
        for time in 0..10 {
            ring.record(Event { time, ..Event::default() });
        }
        let times = |limit| ring.last(limit).map(|(n, e)| (n, e.time)).collect::<Vec<_>>();
        assert_eq!(times(100), [(6, 6), (7, 7), (8, 8), (9, 9)]);
        assert_eq!(times(2), [(8, 8), (9, 9)]);
        let since = |first| ring.since(first).map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(since(0), [6, 7, 8, 9]);
        assert_eq!(since(8), [8, 9]);
        assert_eq!(since(u64::MAX), []);
        assert_eq!(ring.count(), 10);
    }

    #[test]
    fn is_empty_before_the_first_switch() {
        assert_eq!(Ring::<Event>::try_new(1).unwrap().last(5).count(), 0);
    }

    #[test]
    fn without_room_switches_are_counted_and_forgotten() {
        let mut ring = Ring::try_new(0).unwrap();
        ring.record(Event::default());
        assert_eq!((ring.count(), ring.last(5).count()), (1, 0));
    }
}
