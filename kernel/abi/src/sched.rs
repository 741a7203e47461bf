//! The operations of the `sched` call, and the table of policies.
//!
//! Every operation returns the policy in force in the low 8 bits, as its number from 1 on in
//! [`POLICIES`], and the quantum in nanoseconds above them. Setting a policy or a weight needs
//! authority: a program that the launcher started may choose the policy, and whoever may kill a
//! task may weigh it.

/// Changes nothing.
pub const ASK: u64 = 0;

/// Calls `$callback!` with one row per policy, `file Type "name";`: `kernel/core/src/sched/file.rs`
/// has the type, which people know by the name. The first is the one a kernel starts with.
#[macro_export]
macro_rules! for_each_policy {
    ($callback:path) => {
        $callback! {
            cooperative Cooperative "cooperative";
            round_robin RoundRobin "round-robin";
            priority Priority "priority";
            fair Fair "fair";
            seeded Seeded "seeded";
            sweep Sweep "sweep";
        }
    };
}

macro_rules! policies {
    ($($file:ident $policy:ident $name:literal;)*) => {
        /// To choose a policy: its number from 1 on in this list. The value is the quantum in
        /// nanoseconds, 0 to keep the one in force.
        pub const POLICIES: &[&str] = &[$($name),*];
    };
}
for_each_policy!(policies);

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
