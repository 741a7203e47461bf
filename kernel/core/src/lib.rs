//! The portable half of the kernel: what it decides.
#![no_std]
