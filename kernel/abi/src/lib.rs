//! The contract between the Orbital kernel and its user programs.
//!
//! System-call numbers ([`Sysno`]), errors ([`Errno`]), the layout of a user address space
//! ([`layout`]) and the structures that cross the boundary ([`records`]) are written here once and
//! used by both sides. This crate imports nothing of ours and contains no unsafe code.
#![no_std]
#![forbid(unsafe_code)]

pub mod calls;
pub mod duration;
pub mod errno;
pub mod layout;
pub mod records;
pub mod sched;

pub use calls::Sysno;
pub use errno::Errno;
