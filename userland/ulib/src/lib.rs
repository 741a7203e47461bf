//! What a user program links against.
#![no_std]
