//! The portable half of the kernel: what it decides.
//!
//! Process life cycle and family ([`process`], [`table`]), scheduling policies ([`sched`]),
//! system-call decoding ([`syscall`]), the ring of switches ([`trace`]), what an ELF file asks for
//! ([`elf`]), which frames are free ([`frames`]), what a user pointer claims ([`range`]), the kernel
//! command line ([`cmdline`]), the terminal's logic ([`tty`]). No unsafe code, nothing of the
//! machine: all of it runs, and is tested, on the host. The kernel (`kernel/src`) carries out what
//! is decided here with the means of `orbital-arch`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod cmdline;
pub mod elf;
mod exit;
pub mod frames;
pub mod heap;
pub mod pool;
pub mod process;
pub mod range;
pub mod sched;
pub mod syscall;
pub mod table;
pub mod trace;
pub mod tty;
