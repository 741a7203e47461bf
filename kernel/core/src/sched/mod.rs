//! Who runs next, and for how long: the [`Policy`] trait, the table of policies, and [`Decision`].
//!
//! A policy answers; it never acts. The process table tells it when a task becomes ready, leaves,
//! or is taken away, and asks it to [`pick`](Policy::pick). A slice of `None` *is* cooperative:
//! nothing will take the CPU away. What a policy keeps per task lies in [`Tasks`], sized once at
//! boot, so that no policy allocates and switching policies moves no memory.
//!
//! A wrong policy can be unfair or slow; it cannot be unsound. The table checks that what was
//! picked is ready, and the kernel's `sched` checks again before it switches stacks.

mod circle;
mod layout;
mod queue;
mod tasks;
#[cfg(test)]
mod tests;

pub use queue::Queue;
pub use tasks::{DEFAULT_WEIGHT, Slot, Task, Tasks};

pub(crate) use tasks::NONE;

/// Why a task enters the ready set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enter {
    /// It is new.
    Started,
    /// What it waited for has happened.
    Woken,
    /// It ran and gave way.
    Yielded,
    /// It ran until its slice was used up.
    SliceUsedUp,
}

/// Why a running task stops without becoming ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// It waits for something.
    Blocked,
    /// It has ended.
    Exited,
}

/// A policy's answer: who runs, and for how many ticks at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pick {
    /// Who.
    pub task: Slot,
    /// For how long while others are ready; `None`: until it stops by itself.
    pub slice: Option<u64>,
}

/// A scheduling policy over the tasks that are ready.
///
/// The running task is not in the ready set. `ran` is in ticks of the kernel's clock and counts
/// from the pick that ends now, but not what of it passed while nobody else was ready.
pub trait Policy {
    /// `task` is ready now.
    fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64);

    /// Takes the next task out of the ready set.
    fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick>;

    /// Takes `task`, which is in the ready set, out of it: it was killed.
    fn remove(&mut self, tasks: &mut Tasks, task: Slot);

    /// The running task stopped and is not ready.
    fn left(&mut self, tasks: &mut Tasks, task: Slot, why: Leave, ran: u64);

    /// The running task gives way, or has used up its slice: it is ready, and the next one, which may be
    /// itself, is taken out of the ready set.
    #[inline]
    fn pass(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64) -> Option<Pick> {
        self.enqueue(tasks, task, why, ran);
        self.pick(tasks)
    }

    /// Whether, until the policy is told or asked anything else, whoever gives way or has used up
    /// its slice is followed by the task behind it in its queue, for as long a slice. While it is,
    /// the table passes the turn along without asking: a switch is then a handful of loads.
    fn takes_turns(&self) -> bool {
        false
    }

    /// The turn was passed along the queue to `task` since the policy was told or asked last.
    fn passed(&mut self, _task: Slot) {}
}

/// What a policy can be told. Times are in ticks of the kernel's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The longest slice.
    pub quantum: u64,
    /// Where `seeded` starts.
    pub seed: u64,
}

/// Makes the policies of [`orbital_abi::for_each_policy`] one type.
macro_rules! policies {
    ($($file:ident $policy:ident $name:literal;)*) => {
        $(mod $file; use $file::$policy;)*

        /// Every policy there is, chosen by name, called without indirection.
        #[derive(Debug)]
        #[repr(u8)]
        pub enum AnyPolicy {
            $(#[doc = concat!("`", $name, "`")] $policy($policy),)*
        }

        impl AnyPolicy {
            /// The policy of that name, fresh.
            #[must_use]
            pub fn by_name(name: &str, settings: &Settings) -> Option<Self> {
                match name {
                    $($name => Some(Self::$policy($policy::new(settings))),)*
                    _ => None,
                }
            }

            /// The name that selects it.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$policy(_) => $name),* }
            }
        }

        impl Policy for AnyPolicy {
            #[inline]
            fn enqueue(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64) {
                match self { $(Self::$policy(policy) => policy.enqueue(tasks, task, why, ran)),* }
            }
            #[inline]
            fn pick(&mut self, tasks: &mut Tasks) -> Option<Pick> {
                match self { $(Self::$policy(policy) => policy.pick(tasks)),* }
            }
            #[inline]
            fn pass(&mut self, tasks: &mut Tasks, task: Slot, why: Enter, ran: u64) -> Option<Pick> {
                match self { $(Self::$policy(policy) => policy.pass(tasks, task, why, ran)),* }
            }
            #[inline]
            fn remove(&mut self, tasks: &mut Tasks, task: Slot) {
                match self { $(Self::$policy(policy) => policy.remove(tasks, task)),* }
            }
            #[inline]
            fn left(&mut self, tasks: &mut Tasks, task: Slot, why: Leave, ran: u64) {
                match self { $(Self::$policy(policy) => policy.left(tasks, task, why, ran)),* }
            }
            fn takes_turns(&self) -> bool {
                match self { $(Self::$policy(policy) => policy.takes_turns()),* }
            }
            fn passed(&mut self, task: Slot) {
                match self { $(Self::$policy(policy) => policy.passed(task)),* }
            }
        }
    };
}

orbital_abi::for_each_policy!(policies);

impl AnyPolicy {
    /// The policy a kernel starts with.
    #[must_use]
    pub const fn initial() -> Self {
        Self::Cooperative(Cooperative::new(&Settings { quantum: 0, seed: 0 }))
    }
}

/// What the kernel is to do about the CPU; made by the process table, carried out by the
/// kernel's `sched::carry_out` and nowhere else.
#[must_use = "a decision that is not carried out loses a task"]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The running task goes on.
    Stay,
    /// This task, which is ready, runs now.
    SwitchTo(Slot),
    /// Nobody is ready.
    Idle,
}
