//! The standard library of Orbital programs: entry point, system calls, printing, panics.
//!
//! A program is `#![no_std] #![no_main]`, writes `fn main(args: ulib::Args) -> i64`, and hands it to
//! [`entry!`]. What `main` returns is its exit code. By convention 0 is success, [`FAILED`] a check
//! that did not hold, [`USAGE`] arguments it could not understand, and [`PANICKED`] a panic.
//!
//! | module | what it holds |
//! |---|---|
//! | [`start`] | `entry!`, [`Args`], the auxiliary vector |
//! | [`sys`] | one raw stub per call, made from the table in `orbital_abi` |
//! | [`io`] | `write`, `read`, `log`, `clear_screen`, `print!` |
//! | [`process`] | `exit`, `getpid`, `spawn`, `task_wait`, `kill`, `yield_now`, `ps`, `stats`, tasks |
//! | [`time`] | `uptime`, `clock`, `sleep` |
//! | [`machine`] | `system`, `programs`, `trace` |
//! | [`memory`] | `map`, `unmap` |
//! | [`text`] | formatting without an allocator |
//!
//! Functions bear the names of their calls, check nothing that the kernel checks, and return
//! `Result<_, Errno>`. Nothing here allocates or keeps state, so every task of a program may use it.
#![no_std]

pub mod io;
pub mod machine;
pub mod memory;
mod panic;
pub mod process;
pub mod start;
pub mod sys;
pub mod text;
pub mod time;

pub use orbital_abi as abi;
pub use orbital_abi::Errno;
pub use start::Args;

/// Exit code of a program whose checks found a difference.
pub const FAILED: i64 = 1;

/// Exit code of a program that could not understand its arguments.
pub const USAGE: i64 = 2;

/// Exit code of a program that panicked.
pub const PANICKED: i64 = 101;
