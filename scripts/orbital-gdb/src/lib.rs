//! Between a stock gdb and QEMU's gdb stub: every task of Orbital becomes an inferior of gdb's.
//!
//! gdb's remote protocol can tell of many processes, but QEMU's stub knows CPUs alone. A [`Session`]
//! speaks the protocol with both, finds the tasks in the kernel's memory by the offset table that
//! the kernel publishes, and answers for each: its registers, its memory, its breakpoints, its life.
//!
//! | module | what it holds |
//! |---|---|
//! | [`packet`], [`hex`] | framing, checksums, escapes; numbers as text |
//! | [`wires`] | the two connections, read at the same time |
//! | [`thread_id`], [`actions`], [`stop`] | names of tasks, what gdb wants done, what it is told |
//! | [`machine`], [`registers`], [`paging`] | the machine behind QEMU's stub |
//! | [`info`], [`tasks`] | the kernel's offset table, and the tasks it leads to |
//! | [`elf`], [`programs`] | symbols of the kernel, and which program a task runs |
//! | [`breakpoints`] | what is inserted, for whom |
//! | [`session`] | gdb's questions: `session/memory`, `documents`, `run`, `births` |
#![forbid(unsafe_code)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "addresses and lengths are u64 as on the machine, and usize has 64 bits here too"
)]

pub mod actions;
pub mod breakpoints;
pub mod elf;
pub mod hex;
pub mod info;
pub mod machine;
pub mod packet;
pub mod paging;
pub mod programs;
pub mod registers;
pub mod session;
pub mod stop;
pub mod tasks;
pub mod thread_id;
pub mod wires;

#[cfg(test)]
mod fake;

pub use session::Session;
pub use wires::{Error, Result, Wires};
