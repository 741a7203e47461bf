//! Which task is in which slot: entering one, finding it by its pid, taking it out.
//!
//! Pids hash to buckets by their low bits, each a list through the processes; there are at least
//! as many buckets as slots, and pids are given out in order, so a list is short.

use super::{Entry, Full, Table};
use crate::process::{Family, Name, Pid, Process};
use crate::sched::Slot;

impl<M> Table<M> {
    pub(super) fn insert(
        &mut self,
        pid: Pid,
        name: &str,
        parent: Pid,
        machine: M,
        context: usize,
    ) -> Result<Slot, Full> {
        let slot = self.vacant.pop_front(&mut self.tasks).ok_or(Full)?;
        let bucket = self.bucket(pid);
        self.tasks.enter(slot, context);
        self.slots[slot.index()] = Entry::Occupied(Process {
            pid,
            name: Name::new(name),
            parent,
            family: Family::default(),
            waiter: Pid::LAUNCHER,
            next_in_bucket: self.buckets[bucket],
            machine,
        });
        self.buckets[bucket] = Some(slot);
        self.live += 1;
        self.adopt(parent, slot);
        Ok(slot)
    }

    /// Takes a task that has ended, or was never started, out of the table.
    pub(super) fn remove(&mut self, slot: Slot) -> Process<M> {
        self.leave_family(slot);
        let (pid, behind) = (self[slot].pid, self[slot].next_in_bucket);
        let bucket = self.bucket(pid);
        if self.buckets[bucket] == Some(slot) {
            self.buckets[bucket] = behind;
        } else {
            let mut at = self.buckets[bucket];
            while let Some(before) = at {
                at = self[before].next_in_bucket;
                if at == Some(slot) {
                    self[before].next_in_bucket = behind;
                    break;
                }
            }
        }
        self.vacant.push_back(&mut self.tasks, slot);
        self.live -= 1;
        match core::mem::replace(&mut self.slots[slot.index()], Entry::Vacant) {
            Entry::Occupied(process) => process,
            Entry::Vacant => vacant_slot(slot),
        }
    }

    /// Where the process with that pid is.
    #[must_use]
    pub fn find(&self, pid: Pid) -> Option<Slot> {
        let mut at = self.buckets[self.bucket(pid)];
        while let Some(slot) = at {
            if self[slot].pid == pid {
                break;
            }
            at = self[slot].next_in_bucket;
        }
        at
    }

    fn bucket(&self, pid: Pid) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a bucket")]
        let low = pid.0 as usize;
        low & (self.buckets.len() - 1)
    }
}

impl<M> core::ops::Index<Slot> for Table<M> {
    type Output = Process<M>;

    #[inline]
    fn index(&self, slot: Slot) -> &Process<M> {
        match &self.slots[slot.index()] {
            Entry::Occupied(process) => process,
            Entry::Vacant => vacant_slot(slot),
        }
    }
}

impl<M> core::ops::IndexMut<Slot> for Table<M> {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut Process<M> {
        match &mut self.slots[slot.index()] {
            Entry::Occupied(process) => process,
            Entry::Vacant => vacant_slot(slot),
        }
    }
}

#[cold]
fn vacant_slot(slot: Slot) -> ! {
    panic!("process table: slot {} is vacant", slot.index())
}
