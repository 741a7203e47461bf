//! What several of the programs need: random numbers from a seed, what the CPU has, and memory
//! that ends at an unmapped page.
#![no_std]

pub mod cpu;
pub mod edge;
pub mod random;

pub use random::Random;
