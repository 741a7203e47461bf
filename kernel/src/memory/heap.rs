//! The kernel heap behind `alloc`: it grows while the kernel boots, and is closed when it has.
//!
//! Everything in it is sized once, by the number of tasks, the screen and the command line. After
//! [`close`] nothing is given out any more, so nothing that a system call reaches can allocate
//! here, and nothing a program does can exhaust or fragment it.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, NonNull};

use linked_list_allocator::Heap;
use orbital_arch::paging::PAGE_SIZE;

use super::kernel;
use crate::sync::{Lock, Order};

/// The heap grows by a multiple of this, in bytes.
const STEP: u64 = 16 * PAGE_SIZE;

#[global_allocator]
static KERNEL_HEAP: KernelHeap =
    KernelHeap(Lock::new(Order::Heap, Blocks { heap: Heap::empty(), open: true }));

struct KernelHeap(Lock<Blocks>);

struct Blocks {
    heap: Heap,
    /// Whether there may be more of it.
    open: bool,
}

/// From now on no memory is given out.
pub(crate) fn close() {
    KERNEL_HEAP.0.with(|blocks| blocks.open = false);
}

/// Bytes of the heap.
pub(crate) fn size() -> usize {
    KERNEL_HEAP.0.with(|blocks| blocks.heap.size())
}

/// Bytes of the heap that are in use.
pub(crate) fn used_bytes() -> usize {
    KERNEL_HEAP.0.with(|blocks| blocks.heap.used())
}

impl KernelHeap {
    fn take(&self, layout: Layout) -> Option<NonNull<u8>> {
        self.0.with(
            |blocks| {
                if blocks.open { blocks.heap.allocate_first_fit(layout).ok() } else { None }
            },
        )
    }

    /// Maps enough behind the end for a block like `layout`, if there is memory for it.
    fn grow(&self, layout: Layout) -> Option<()> {
        let end =
            self.0.with(|blocks| blocks.open.then(|| kernel::HEAP + blocks.heap.size() as u64))?;
        let wanted = layout.size().checked_add(layout.align())? as u64;
        let more = wanted.checked_next_multiple_of(STEP)?;
        kernel::map_data(end..end.checked_add(more)?).ok()?;
        self.0.with(|Blocks { heap, .. }| {
            if heap.size() == 0 {
                let start = ptr::with_exposed_provenance_mut(kernel::HEAP as usize);
                // SAFETY: mapped just now, for good and for nothing else; it had no memory before.
                unsafe { heap.init(start, more as usize) };
            } else {
                // SAFETY: mapped just now, for good and for nothing else, right behind its end.
                unsafe { heap.extend(more as usize) };
            }
        });
        Some(())
    }
}

// SAFETY: `Heap` gives out blocks as laid out, each to one owner; the lock makes calls atomic.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.take(layout).or_else(|| {
            self.grow(layout)?;
            self.take(layout)
        });
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: by this trait's contract `alloc` gave it out for this layout.
            self.0.with(|blocks| unsafe { blocks.heap.deallocate(block, layout) });
        }
    }
}
