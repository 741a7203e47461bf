//! The terminal as a person and a program see it.

mod filter;
mod focus;
mod grid;
mod input;
mod lines;
mod random;
mod rig;
