//! Structures and codes that cross the boundary.

/// What `task_wait` reports for a task that a fault ended: this base plus the vector
/// (a page fault, vector 14, gives 142).
pub const CODE_FAULTED: i64 = 128;

/// What `task_wait` reports for a task that was killed: above every fault code.
pub const CODE_KILLED: i64 = CODE_FAULTED + 32;

/// Counters of one task, stored by `stats`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Stats {
    /// Switches away from the task that it asked for: yields, blocking calls.
    pub switches_voluntary: u64,
    /// Switches away from the task that the timer forced.
    pub switches_forced: u64,
    /// Time on the CPU, in nanoseconds.
    pub cpu_nanos: u64,
    /// Page faults the kernel served.
    pub faults: u64,
    /// Pages of user memory present.
    pub pages: u64,
    /// Most bytes of its kernel stack ever in use.
    pub kernel_stack_high_water: u64,
}

const _: () =
    assert!(size_of::<Stats>() == 6 * size_of::<u64>(), "no padding crosses the boundary");

impl Stats {
    /// The record as the bytes user memory receives.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
        let words = [
            self.switches_voluntary,
            self.switches_forced,
            self.cpu_nanos,
            self.faults,
            self.pages,
            self.kernel_stack_high_water,
        ];
        let mut bytes = [0; size_of::<Self>()];
        for (chunk, word) in bytes.chunks_exact_mut(size_of::<u64>()).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}
