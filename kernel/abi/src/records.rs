//! Structures and codes that cross the boundary.

/// What `task_wait` reports for a task that a fault ended: this base plus the vector
/// (a page fault, vector 14, gives 142).
pub const CODE_FAULTED: i64 = 128;

/// What `task_wait` reports for a task that was killed: above every fault code.
pub const CODE_KILLED: i64 = CODE_FAULTED + 32;

/// What `task_wait` reports for a task that touched a page it has a right to when there was no
/// memory left for it, or none that its limits allow.
pub const CODE_OUT_OF_MEMORY: i64 = CODE_KILLED + 1;

/// Makes a record of words, and the bytes user memory receives of it.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $(#[doc = $field_doc:literal] $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        #[repr(C)]
        pub struct $name {
            $(#[doc = $field_doc] pub $field: u64,)*
        }

        impl $name {
            /// Its fields, in order: name and meaning.
            pub const FIELDS: &[(&str, &str)] = &[$((stringify!($field), $field_doc)),*];

            /// The record as it crosses the boundary: its words, little-endian, no padding.
            #[must_use]
            pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
                let mut bytes = [0; size_of::<Self>()];
                let words = [$(self.$field),*];
                for (chunk, word) in bytes.chunks_exact_mut(size_of::<u64>()).zip(words) {
                    chunk.copy_from_slice(&word.to_le_bytes());
                }
                bytes
            }
        }
    };
}

record! {
    /// Counters of one task, stored by `stats`.
    Stats {
        /// Switches away from the task that it asked for: yields, blocking calls.
        switches_voluntary,
        /// Switches away from the task that the timer forced.
        switches_forced,
        /// Time on the CPU, in nanoseconds.
        cpu_nanos,
        /// Page faults the kernel served.
        faults,
        /// Pages of user memory present.
        pages,
        /// Those of them that it shares with other processes of the same program.
        pages_shared,
        /// Bytes that the kernel keeps for it: page tables and kernel stack.
        kernel_bytes,
        /// Most bytes of its kernel stack ever in use.
        kernel_stack_high_water,
    }
}

record! {
    /// The whole machine, stored by `system`.
    System {
        /// Time since boot, in nanoseconds.
        uptime_nanos,
        /// Time the CPU was halted because nobody was ready, in nanoseconds.
        idle_nanos,
        /// Switches since boot, those to and from idle included.
        switches,
        /// Switches that the timer forced.
        switches_forced,
        /// Timer interrupts since boot.
        timer_interrupts,
        /// Bytes of memory the kernel manages.
        memory_total,
        /// Bytes of it that nobody uses.
        memory_free,
        /// Bytes of the kernel's heap.
        heap_total,
        /// Bytes of it that are in use.
        heap_used,
        /// Tasks there are, the kernel's own and uncollected ones included.
        tasks,
        /// Tasks there can be.
        tasks_max,
        /// Tasks that are ready.
        ready,
        /// What the timer is: an index into [`TIMERS`].
        timer,
        /// Ticks of the timer in a second.
        timer_hz,
    }
}

/// The kinds of timer.
pub const TIMERS: &[&str] = &["TSC-deadline", "APIC one-shot"];

record! {
    /// One switch, stored by `trace`.
    Switch {
        /// Its number, from 0 at boot.
        number,
        /// When, in nanoseconds since boot.
        time_nanos,
        /// Where the task that left was in its program; 0 for a kernel task or idle.
        rip,
        /// Who left the CPU; [`IDLE`] when nobody ran.
        from,
        /// Who got it; [`IDLE`] when nobody was ready.
        to,
        /// Why the first left: an index into [`WHY`].
        why,
    }
}

/// Why a task left the CPU.
pub const WHY: &[&str] = &[
    "idle",
    "yielded",
    "blocked:input",
    "blocked:output",
    "blocked:child",
    "blocked:time",
    "blocked:work",
    "exited",
    "slice-used-up",
    "killed",
];

/// What stands for a pid while nobody ran: the CPU's idle loop. No task has it.
pub const IDLE: u64 = 0x7fff_fffe;
