//! The kernel heap: a fixed piece of memory behind `alloc`.
//!
//! For boot and for what is bounded by the number of tasks; nothing a program can size lives here,
//! and code that a system call reaches allocates with `try_reserve`. The list of free blocks is
//! searched from the front, so it stays short or the kernel gets slow.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap;
use orbital_arch::paging::{OutOfTables, PAGE_SIZE};

use super::{BootError, kernel};
use crate::sync::{Lock, Order};

/// The part of all frames that the heap gets, and the bounds of it, in frames.
const PART: u64 = 32;
const SMALLEST: u64 = (256 << 10) / PAGE_SIZE;
const LARGEST: u64 = (8 << 20) / PAGE_SIZE;

#[global_allocator]
static KERNEL_HEAP: KernelHeap = KernelHeap(Lock::new(Order::Heap, Heap::empty()));

struct KernelHeap(Lock<Heap>);

/// Maps the heap of a machine with that many frames; returns its size in bytes.
pub(super) fn init(frames: u64) -> Result<u64, BootError> {
    let bytes = (frames / PART).clamp(SMALLEST, LARGEST) * PAGE_SIZE;
    kernel::map_data(kernel::HEAP..kernel::HEAP + bytes)
        .map_err(|OutOfTables| BootError::TooLittleMemory)?;
    let start = ptr::with_exposed_provenance_mut(kernel::HEAP as usize);
    // SAFETY: mapped just now, for good and for nothing else; called once.
    KERNEL_HEAP.0.with(|heap| unsafe { heap.init(start, bytes as usize) });
    Ok(bytes)
}

/// Bytes of the heap.
pub(crate) fn size() -> usize {
    KERNEL_HEAP.0.with(|heap| heap.size())
}

/// Bytes of the heap that are in use.
pub(crate) fn used_bytes() -> usize {
    KERNEL_HEAP.0.with(|heap| heap.used())
}

// SAFETY: `Heap` gives out blocks as laid out, each to one owner; the lock makes calls atomic.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.0.with(|heap| heap.allocate_first_fit(layout));
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: by this trait's contract `alloc` gave it out for this layout.
            self.0.with(|heap| unsafe { heap.deallocate(block, layout) });
        }
    }
}
