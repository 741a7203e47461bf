//! The policy and the quantum in force.

use core::sync::atomic::{AtomicU64, Ordering};

use orbital_abi::sched::{POLICIES, QUANTUM_DEFAULT};
use orbital_arch::clock::rdtsc;
use orbital_core::sched::{AnyPolicy, Settings};

use super::TABLE;
use crate::time;

/// The quantum in force.
pub(super) static QUANTUM_NANOS: AtomicU64 = AtomicU64::new(QUANTUM_DEFAULT);

/// Chooses policy and quantum; both as the kernel's other parts name them.
pub(crate) fn set_policy(name: &str, quantum_nanos: u64, seed: u64) -> bool {
    let settings = Settings { quantum: time::nanos_to_ticks(quantum_nanos).max(1), seed };
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
