//! [`TaskContext`]: what a suspended task leaves behind, and whose is that of the running one.

use core::cell::Cell;
use core::mem::offset_of;

use super::super::frame::TrapFrame;
use super::super::segments::Selectors;
use super::super::{fpu, percpu};

/// The suspended kernel side of a task, at the top of its kernel stack: the [`TrapFrame`] of an entry
/// from ring 3 ends where this begins, and its FPU image lies right behind.
///
/// ```text
///  high ┌──────────────────────┐
///       │ FPU image            │ ◄─ context + IMAGE
///       ├──────────────────────┤
///       │ TaskContext          │
///       ├──────────────────────┤ ◄─ context, TSS.RSP0 while the task runs
///       │ TrapFrame            │
///  low  │ frames of the kernel │
/// ```
///
/// Absent: rip is on the stack, as the return address of the switch; the caller-saved registers
/// are dead across a call; RFLAGS is the same in all of the kernel.
#[repr(C, align(64))]
pub struct TaskContext {
    pub(super) rbx: u64,
    pub(super) rbp: u64,
    pub(super) r12: u64,
    pub(super) r13: u64,
    pub(super) r14: u64,
    pub(super) r15: u64,
    pub(super) rsp: u64,
    /// Physical address of the page tables; of the running task, those in force.
    pub cr3: u64,
    /// What the kernel calls the task; the switch does not look at it.
    pub id: u64,
    /// Another word of the kernel's, 0 at first: how many of the allocations that it makes for the
    /// task are left until one fails.
    pub fail_in: Cell<u64>,
    pub(super) selectors: Selectors,
    /// 1 if a switch to or from the task is more than one of FPU state by XSAVE.
    pub(super) special: u32,
    /// 1 if it is suspended in the middle of the kernel, so that the registers above mean something; 0
    /// if all of it is in its frame, at which rsp is.
    pub(super) in_kernel: u32,
    /// Where the program's thread-local storage is, or 0; canonical.
    pub(super) fs_base: u64,
    /// Where the frame of an entry from ring 3 ends: here. Null if there can be none.
    pub(super) kernel_stack_top: *mut u8,
}

const _: () = assert!(
    offset_of!(TaskContext, r15) < 64,
    "the CFI of switch_context has one SLEB128 byte for each offset"
);
const _: () = assert!(
    offset_of!(TaskContext, special).is_multiple_of(8)
        && offset_of!(TaskContext, in_kernel) == offset_of!(TaskContext, special) + 4,
    "one word to look at"
);
const _: () = assert!(
    TaskContext::IMAGE.is_multiple_of(fpu::IMAGE_ALIGN),
    "the image behind a context is aligned as the context is"
);

impl TaskContext {
    /// How far behind it its FPU image lies.
    pub(super) const IMAGE: usize = size_of::<Self>();

    /// Bytes of a context and its FPU image.
    #[must_use]
    pub fn footprint() -> usize {
        Self::IMAGE + fpu::image_size()
    }

    /// Offsets, by name, for debuggers that look at a context from outside.
    pub fn layout() -> impl Iterator<Item = (&'static str, usize)> {
        [
            ("context.rbx", offset_of!(Self, rbx)),
            ("context.rbp", offset_of!(Self, rbp)),
            ("context.r12", offset_of!(Self, r12)),
            ("context.r13", offset_of!(Self, r13)),
            ("context.r14", offset_of!(Self, r14)),
            ("context.r15", offset_of!(Self, r15)),
            ("context.rsp", offset_of!(Self, rsp)),
            ("context.cr3", offset_of!(Self, cr3)),
            ("context.id", offset_of!(Self, id)),
            // Half a word: whether the six registers above are saved.
            ("context.in_kernel", offset_of!(Self, in_kernel)),
            // Written by each switch away from the task, whatever way it goes.
            ("context.selectors", offset_of!(Self, selectors)),
            ("context.stack_top", offset_of!(Self, kernel_stack_top)),
        ]
        .into_iter()
    }

    /// The context that lies where `frame`, which is one of an entry from ring 3, ends.
    #[inline]
    #[must_use]
    pub fn above(frame: *const TrapFrame) -> *const Self {
        frame.wrapping_add(1).cast()
    }

    /// Its FPU image.
    pub(super) fn image(&self) -> *mut u8 {
        (&raw const *self).wrapping_byte_add(Self::IMAGE).cast::<u8>().cast_mut()
    }

    /// Notes whether the switch to it has more to do than exchanging FPU state.
    pub(super) fn note_special(&mut self) {
        let plain = self.selectors.are_null() && self.fs_base == 0 && !fpu::is_legacy();
        self.special = u32::from(!plain);
    }

    /// Where the program was interrupted last; 0 for the kernel's own tasks.
    #[inline]
    #[must_use]
    pub fn user_rip(&self) -> u64 {
        if self.kernel_stack_top.is_null() {
            return 0;
        }
        // SAFETY: it is at the top of the task's own kernel stack, where every entry writes it.
        unsafe { (*self.kernel_stack_top.cast::<TrapFrame>().wrapping_sub(1)).rip }
    }
}

/// The context of the running task: it lies where the frame of an entry from ring 3 ends.
#[inline]
#[must_use]
pub fn current() -> *mut TaskContext {
    percpu::kernel_stack_top().cast()
}

/// Makes `context` the one that is switched away from first.
///
/// # Safety
/// It is [`TaskContext::boot`], and no task has run.
pub unsafe fn set_current(context: *mut TaskContext) {
    // SAFETY: nothing enters from ring 3 before a task runs (caller).
    unsafe { percpu::set_kernel_stack_top(context.cast()) };
}

/// The address of the word that [`current`] reads, for debuggers.
#[must_use]
pub fn current_address() -> usize {
    percpu::kernel_stack_top_address()
}
