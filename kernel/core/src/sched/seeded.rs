//! A random one of the ready tasks, for a random part of a quantum, from a seed.
//!
//! The same seed and the same program give the same schedule, step by step; another seed gives
//! another. So a bug that needs an unlucky order is found by trying seeds and repeated by naming
//! one. Numbers are xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift
//! generators, scrambled", 2016).

use super::{Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

/// The policy `seeded`.
#[derive(Debug)]
pub struct Seeded {
    state: u64,
    quantum: u64,
}

impl Seeded {
    pub(super) const fn new(settings: &Settings) -> Self {
        // The generator has one state that it never leaves, 0.
        let state = settings.seed ^ 0x9e37_79b9_7f4a_7c15;
        Self { state: if state == 0 { 1 } else { state }, quantum: settings.quantum }
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let number = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d);
        let scaled = (u128::from(number) * u128::from(bound)) >> u64::BITS;
        u64::try_from(scaled).unwrap_or(0)
    }
}

impl Policy for Seeded {
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, _why: Enter, _ran: u64) {
        let place = tasks.order.len();
        tasks.order.push(task.0);
        note(tasks, place);
    }

    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
        if tasks.order.is_empty() {
            return None;
        }
        let place = self.below(tasks.order.len() as u64);
        #[expect(clippy::cast_possible_truncation, reason = "below a length")]
        let task = take(tasks, place as usize);
        let slice = 1 + self.below(self.quantum.max(1));
        Some(Pick { task, slice: Some(slice) })
    }

    fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
        let place = tasks[task].place as usize;
        take(tasks, place);
    }

    fn left(&mut self, _tasks: &mut Tasks, _task: Slot, _why: Leave, _ran: u64) {}
}

fn take(tasks: &mut Tasks, place: usize) -> Slot {
    let task = Slot(tasks.order.swap_remove(place));
    if place < tasks.order.len() {
        note(tasks, place);
    }
    task
}

#[expect(clippy::cast_possible_truncation, reason = "slots are 32-bit, so places are")]
fn note(tasks: &mut Tasks, place: usize) {
    let slot = tasks.order[place] as usize;
    tasks.records[slot].place = place as u32;
}
