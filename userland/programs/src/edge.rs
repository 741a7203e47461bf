//! Writable memory that ends where the program's image ends: the page after it is not mapped.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use ulib::abi::layout::PAGE_SIZE;

/// Bytes in a page.
const PAGE: usize = 4096;
const _: () = assert!(PAGE as u64 == PAGE_SIZE, "the page of the contract");

/// Two pages, less the mark.
const BYTES: usize = 2 * PAGE - size_of::<AtomicBool>();

/// The only variable of a program that uses it, so the last thing in its image. The mark is inside
/// so that it cannot lie behind.
#[repr(C, align(4096))]
struct Edge {
    taken: AtomicBool,
    bytes: UnsafeCell<[u8; BYTES]>,
}

// SAFETY: `take` hands `bytes` out only once.
unsafe impl Sync for Edge {}

const _: () = assert!(size_of::<Edge>() == 2 * PAGE, "ends where a page ends");

/// The memory, zeroed; `None` the second time.
pub fn take() -> Option<&'static mut [u8]> {
    static EDGE: Edge = Edge { taken: AtomicBool::new(false), bytes: UnsafeCell::new([0; BYTES]) };
    if EDGE.taken.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: only the first caller gets here, so the reference is the only one.
    Some(unsafe { &mut *EDGE.bytes.get() })
}
