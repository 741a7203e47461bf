//! The half of the kernel that touches the machine.
#![no_std]
