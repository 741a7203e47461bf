//! The operations of the `sched` call.
//!
//! Every operation returns the policy in force in the low 8 bits, as its number from 1 on in
//! [`POLICIES`], and the quantum in nanoseconds above them. Setting a policy or a weight needs
//! authority: a program that the launcher started may choose the policy, and whoever may kill a
//! task may weigh it.

/// Changes nothing.
pub const ASK: u64 = 0;

/// To choose a policy: its number from 1 on in [`POLICIES`]. The value is the quantum in
/// nanoseconds, 0 to keep the one in force.
pub const POLICIES: &[&str] = &["cooperative", "round-robin", "priority", "fair", "seeded"];

/// To give the task `pid` a weight: the value, from 1 to [`WEIGHT_MAX`].
pub const SET_WEIGHT: u64 = 256;

/// The largest weight; a task that nobody gave one has 100.
pub const WEIGHT_MAX: u64 = 10_000;

/// The shortest quantum, in nanoseconds.
pub const QUANTUM_MIN: u64 = 1_000;

/// The longest quantum, in nanoseconds.
pub const QUANTUM_MAX: u64 = 1_000_000_000;

/// The quantum that holds when nobody chose one, in nanoseconds.
pub const QUANTUM_DEFAULT: u64 = 10_000_000;

/// What a `sched` call returns, taken apart: policy number and quantum.
#[must_use]
pub const fn unpack(result: u64) -> (u64, u64) {
    (result & 0xff, result >> 8)
}

/// The same, put together.
#[must_use]
pub const fn pack(policy: u64, quantum_nanos: u64) -> u64 {
    policy | quantum_nanos << 8
}
