//! Locks for the kernel's statics, with an order that is checked at run time.
//!
//! Interrupts are off in ring 0 and there is one CPU, so a lock is never contended: what it finds
//! are bugs. [`Lock::with`] panics by name if the lock, or one that comes later in [`Order`], is
//! held already; [`nothing_held`] is what `sched` asserts before it switches stacks.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::attention::ATTENTION;

/// The locks, in the order in which they may be taken inside one another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Order {
    /// `launcher`: what was started at boot.
    Launcher,
    /// `syscall`: the buffer that user memory is copied into.
    Scratch,
    /// `sched`: the process table.
    Table,
    /// `process`: address spaces.
    Spaces,
    /// `terminal`: sessions and line discipline.
    Sessions,
    /// `console`: the output ring and the devices behind it.
    Output,
    /// `terminal`: the ring of bytes that arrived.
    Input,
    /// `loader`: the programs that were loaded before.
    Templates,
    /// `memory`: kernel stacks.
    Stacks,
    /// `memory`: the kernel's own page tables.
    KernelHalf,
    /// `memory`: page frames.
    Frames,
    /// `memory`: the kernel heap.
    Heap,
    /// `sched`: the ring of switches.
    Trace,
}

impl Order {
    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// One bit per lock that is held.
static HELD: &AtomicU32 = &ATTENTION.held;

/// Whether no lock is held.
#[inline]
pub(crate) fn nothing_held() -> bool {
    HELD.load(Ordering::Relaxed) == 0
}

/// A value that is used by one piece of code at a time.
pub(crate) struct Lock<T> {
    order: Order,
    /// Its bit in [`HELD`].
    bit: u32,
    value: UnsafeCell<T>,
}

// SAFETY: `with` hands out the value to one caller at a time: on one CPU with interrupts off only
// nesting could make two, and `HELD` refuses that.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// A lock that holds `value`.
    pub(crate) const fn new(order: Order, value: T) -> Self {
        Self { order, bit: order.bit(), value: UnsafeCell::new(value) }
    }

    /// Uses the value.
    ///
    /// # Panics
    /// If this lock, or one that comes later in the order, is held.
    #[inline]
    pub(crate) fn with<R>(&self, user: impl FnOnce(&mut T) -> R) -> R {
        debug_assert!(!orbital_arch::irq::enabled(), "a lock is taken with interrupts on");
        let held = HELD.load(Ordering::Relaxed);
        if held >= self.bit {
            wrong_order(self.order, held);
        }
        HELD.store(held | self.bit, Ordering::Relaxed);
        // SAFETY: the bit was clear, so nobody else uses the value until it is cleared below.
        let result = user(unsafe { &mut *self.value.get() });
        HELD.store(held, Ordering::Relaxed);
        result
    }

    /// Uses the value without a note of it: for the paths that cannot afford one.
    ///
    /// # Safety
    /// Nothing is held, as [`nothing_held`] says, and `user` takes no lock.
    #[inline]
    pub(crate) unsafe fn with_alone<R>(&self, user: impl FnOnce(&mut T) -> R) -> R {
        debug_assert!(nothing_held(), "a lock is held");
        // SAFETY: nobody else uses the value, and nobody will before `user` returns (caller).
        user(unsafe { &mut *self.value.get() })
    }

    /// Uses the value whoever else does.
    ///
    /// # Safety
    /// Nobody else uses it any more: for a panic, which does not return.
    #[expect(clippy::mut_from_ref, reason = "the lock's rule is what is broken here")]
    pub(crate) unsafe fn steal(&self) -> &mut T {
        // SAFETY: as the caller promises.
        unsafe { &mut *self.value.get() }
    }
}

#[cold]
fn wrong_order(order: Order, held: u32) -> ! {
    panic!("lock {order:?} is taken while locks {held:#b} are held")
}
