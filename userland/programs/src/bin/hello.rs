//! Says hello.
#![no_std]
#![no_main]
