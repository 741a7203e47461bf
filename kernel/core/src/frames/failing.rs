//! Fault injection: which allocation fails.

/// Counts allocations down to the one that fails, once. Whoever keeps it decides whose they are:
/// [`Frames`](super::Frames) counts everybody's, the kernel has one for each task besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FailIn(
    /// So many are left, the one that fails among them; 0 if none is to fail.
    pub u64,
);

impl FailIn {
    /// No allocation fails.
    pub const NEVER: Self = Self(0);

    /// The `n`-th allocation from now fails (1 is the next); none if `n` is 0. Returns what was left
    /// of the last count: 0 if that allocation has failed.
    pub const fn arm(&mut self, n: u64) -> u64 {
        core::mem::replace(&mut self.0, n)
    }

    /// Counts an allocation: whether it is the one that fails.
    pub const fn fails_now(&mut self) -> bool {
        let fails = self.0 == 1;
        self.0 = self.0.saturating_sub(1);
        fails
    }
}
