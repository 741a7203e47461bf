//! One word that is 0 when nothing stands in the way of the short path of a switch.
//!
//! Locks, input and debuggers each have a part of it; [`is_needed`] looks at all of them at once.

use core::sync::atomic::{AtomicBool, AtomicU32};

/// What wants a longer look.
#[repr(C, align(8))]
pub(crate) struct Attention {
    /// One bit per lock that is held (`sync`).
    pub held: AtomicU32,
    /// What was typed, or is to be shown, waits to be served (`terminal`).
    pub work: AtomicBool,
    /// A debugger chooses switches to stop at (`debug`); it writes here.
    pub switches: AtomicBool,
    _unused: [u8; 2],
}

const _: () = assert!(size_of::<Attention>() == size_of::<u64>(), "one word");

/// With a second CPU this moves into `PerCpu`.
#[unsafe(link_section = ".data.hot")]
pub(crate) static ATTENTION: Attention = Attention {
    held: AtomicU32::new(0),
    work: AtomicBool::new(false),
    switches: AtomicBool::new(false),
    _unused: [0; 2],
};

/// Whether any part of the word is set.
#[inline]
pub(crate) fn is_needed() -> bool {
    let word = (&raw const ATTENTION).cast::<u64>();
    // SAFETY: aligned and initialised; nobody writes at the same time: there is one CPU, interrupts
    // are off, and a debugger writes while the machine stands still.
    unsafe { word.read_volatile() != 0 }
}
