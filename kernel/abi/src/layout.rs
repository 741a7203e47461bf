//! The layout of a user address space and the limits a program can rely on.

/// Bytes in a page.
pub const PAGE_SIZE: u64 = 4096;

/// Lowest address a program may map: everything below faults, null pointers included.
pub const USER_START: u64 = 0x1_0000;

/// First address above user memory: one page below the canonical hole, so that no `syscall`
/// instruction can end at a non-canonical address (CVE-2012-0217).
pub const USER_END: u64 = 0x7fff_ffff_f000;

/// Where Orbital's own programs are linked, and where position-independent ones are placed.
pub const IMAGE_BASE: u64 = 0x40_0000;

/// Size of the stack of a program's first task. Pages appear when they are first touched.
pub const STACK_SIZE: u64 = 1 << 20;

/// Size of the stack of a task made by `task_create`.
pub const TASK_STACK_SIZE: u64 = 256 << 10;

/// Unmapped bytes below every stack.
pub const GUARD_SIZE: u64 = PAGE_SIZE;

/// Where `map` places anonymous memory.
pub const MAP_BASE: u64 = 0x1000_0000_0000;

/// Largest length `write` and `log` accept, and the most `read` returns.
pub const IO_MAX: u64 = 4096;

/// Longest program path and longest argument block of `spawn`, in bytes.
pub const SPAWN_MAX: u64 = 4096;

/// Largest quantum and longest sleep step are bounded by what a `u64` of nanoseconds holds.
pub const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Argument and result of the `hello` call.
pub const HELLO_MAGIC: u64 = 0xCAFE_BABE;
/// What `hello` answers.
pub const HELLO_REPLY: u64 = 0xDEAD_BEEF;

/// Rights of `map`: readable.
pub const MAP_READ: u64 = 1;
/// Rights of `map`: writable (implies readable).
pub const MAP_WRITE: u64 = 2;
/// Rights of `map`: executable (implies readable; refused together with writable).
pub const MAP_EXECUTE: u64 = 4;
