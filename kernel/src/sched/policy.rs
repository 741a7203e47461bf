//! The policy and the quantum in force.

use core::sync::atomic::{AtomicU64, Ordering};

use orbital_abi::sched::{POLICIES, QUANTUM_DEFAULT};
use orbital_arch::clock::{rdtsc, ticks_of_instructions};
use orbital_core::sched::{AnyPolicy, Settings};
use spin::Once;

use super::TABLE;
use crate::time;

/// The quantum in force.
pub(super) static QUANTUM_NANOS: AtomicU64 = AtomicU64::new(QUANTUM_DEFAULT);

/// A slice must outlast what the kernel does at its end and at its beginning, or no task ever executes
/// an instruction: it has at least so many, however slow the CPU. A quantum of `QUANTUM_MIN` has more
/// where an instruction takes a nanosecond.
const SHORTEST_SLICE: u64 = 800;

/// The same in ticks of this machine's clock.
fn shortest_slice() -> u64 {
    static TICKS: Once<u64> = Once::new();
    *TICKS.call_once(|| ticks_of_instructions(SHORTEST_SLICE))
}

/// Chooses policy and quantum; both as the kernel's other parts name them.
pub(crate) fn set_policy(name: &str, quantum_nanos: u64, seed: u64) -> bool {
    let quantum = time::nanos_to_ticks(quantum_nanos).max(shortest_slice());
    let settings = Settings { quantum, seed };
    let Some(policy) = AnyPolicy::by_name(name, &settings) else { return false };
    QUANTUM_NANOS.store(quantum_nanos, Ordering::Relaxed);
    let slice = (name != POLICIES[0]).then_some(settings.quantum);
    TABLE.with(|table| {
        table.set_policy(policy, slice, rdtsc());
        time::arm(table.next_due());
    });
    true
}

/// The quantum in force, in nanoseconds.
pub(crate) fn quantum_nanos() -> u64 {
    QUANTUM_NANOS.load(Ordering::Relaxed)
}
