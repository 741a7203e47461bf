//! The Orbital kernel.
#![no_std]
#![no_main]
