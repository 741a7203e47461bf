//! Tests that boot Orbital in QEMU, or in Bochs, and talk to it over its serial line.
//!
//! A test describes a machine with [`Machine::builder`], boots it, types with [`Machine::enter`] and
//! [`Machine::send`], and says what must appear with [`Machine::expect`]. Each step returns a
//! [`Result`] whose [`Failure`] shows everything needed to understand it. Sessions that need no
//! program logic are text files; see [`transcript`]. Tests of other crates may use all of this.
//!
//! No test opens a TCP port, and no QEMU outlives the thread that started it.
#![forbid(unsafe_code)]

mod artifacts;
mod builder;
mod by_hand;
pub mod code;
mod debugger;
mod evidence;
mod expect;
mod explain;
mod failure;
mod image;
mod log;
mod machine;
mod pattern;
mod policy;
mod postmortem;
mod prompt;
mod scratch;
mod screen;
mod slots;
mod stub;
pub mod transcript;
mod vm;
mod wait;
mod warm;

pub use artifacts::{kernel, program, program_symbols};
pub use builder::{Builder, Firmware, Profile};
pub use debugger::Debugger;
pub use failure::{Failure, Result};
pub use machine::Machine;
pub use pattern::{Captures, Pattern};
pub use policy::{run_options, run_script};
pub use scratch::workspace;
pub use stub::Stub;

/// Exit codes of QEMU: twice the value that the kernel reports, plus one.
pub mod exit {
    /// Every program that ran exited 0.
    pub const SUCCESS: i32 = 33;
    /// A program failed.
    pub const PROGRAM_FAILED: i32 = 35;
    /// The kernel panicked.
    pub const PANIC: i32 = 37;
}
