//! [`TaskContext`]: what a suspended task leaves behind, and how one is made that never ran.

use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr::null_mut;

use super::super::frame::TrapFrame;
use super::super::segments::Selectors;
use super::super::{cpu, entry, fpu};

/// The suspended kernel side of a task.
///
/// Absent: rip is on the stack, as the return address of the switch; the caller-saved registers
/// are dead across a call; RFLAGS is the same in all of the kernel.
#[repr(C, align(16))]
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
    /// Where the frame of an entry from ring 3 ends; null if there can be none.
    pub(super) kernel_stack_top: *mut u8,
    pub(super) fpu: *mut u8,
    pub(in super::super) selectors: Selectors,
    /// Where the program's thread-local storage is, or 0; canonical. Set it before the first run.
    pub fs_base: u64,
    /// Where the frame of an entry from ring 3 has the program's rip; [`NOWHERE`] without a program.
    user_rip: *const u64,
}

/// The rip of tasks that never are in ring 3.
static NOWHERE: u64 = 0;

const _: () = assert!(
    size_of::<TaskContext>().is_multiple_of(16),
    "a context at the top of a stack keeps the stack below it aligned"
);
const _: () = assert!(
    offset_of!(TaskContext, r15) < 64,
    "the CFI of switch_context has one SLEB128 byte for each offset"
);

impl TaskContext {
    /// The context of the code that runs now, before any task exists; switched away from first,
    /// which fills it in. There is one such context on a CPU: its FPU image is static.
    #[must_use]
    pub fn empty() -> Self {
        Self::suspended(null_mut(), cpu::read_cr3(), fpu::boot_image(), null_mut())
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
            ("context.stack_top", offset_of!(Self, kernel_stack_top)),
        ]
        .into_iter()
    }

    /// A task that has not run yet, and will start in ring 3 with the registers of `frame`.
    ///
    /// ```text
    ///  high ┌──────────────────────┐ ◄─ kernel_stack_top
    ///       │ frame                │    as if the kernel had been entered from ring 3,
    ///       ├──────────────────────┤
    ///       │ trap_exit            │    had called the switch,
    ///  low  └──────────────────────┘ ◄─ rsp: and is about to return from it
    /// ```
    ///
    /// # Safety
    /// `kernel_stack_top` is the upper end of a writable stack of the task's own, a multiple of
    /// 16; `fpu` is its own image, initialised; both stay so while the context is used. `cr3` is
    /// a page table that maps the kernel, and `frame` came from [`TrapFrame::user`].
    #[must_use]
    pub unsafe fn for_user(
        kernel_stack_top: *mut u8,
        cr3: u64,
        fpu: *mut u8,
        frame: TrapFrame,
    ) -> Self {
        let top_frame = kernel_stack_top.cast::<TrapFrame>().wrapping_sub(1);
        // SAFETY: inside the stack, and aligned (caller).
        unsafe { top_frame.write(frame) };
        // SAFETY: there is room below the frame.
        let rsp = unsafe { push_return_address(top_frame.cast(), entry::trap_exit) };
        Self::suspended(kernel_stack_top, cr3, fpu, rsp)
    }

    /// A task that has not run yet, and will start in the kernel with `entry(arg)`.
    ///
    /// It has an FPU image too, as every task: kernel code never touches the FPU, but a switch
    /// without a special case is the cheaper one.
    ///
    /// # Safety
    /// As [`TaskContext::for_user`]; `entry` copes with interrupts off.
    #[must_use]
    pub unsafe fn for_kernel(
        stack_top: *mut u8,
        cr3: u64,
        fpu: *mut u8,
        entry: extern "C" fn(usize) -> !,
        arg: usize,
    ) -> Self {
        // SAFETY: inside the stack, and aligned (caller).
        let rsp = unsafe { push_return_address(stack_top, kernel_task_entry) };
        Self {
            r12: entry as usize as u64,
            r13: arg as u64,
            ..Self::suspended(null_mut(), cr3, fpu, rsp)
        }
    }

    pub(super) fn suspended(
        kernel_stack_top: *mut u8,
        cr3: u64,
        fpu: *mut u8,
        rsp: *mut u8,
    ) -> Self {
        let user_rip = if kernel_stack_top.is_null() {
            &raw const NOWHERE
        } else {
            let frame = kernel_stack_top.cast::<TrapFrame>().wrapping_sub(1);
            frame.wrapping_byte_add(offset_of!(TrapFrame, rip)).cast::<u64>().cast_const()
        };
        Self {
            rbx: 0,
            rbp: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            rsp: rsp as u64,
            cr3,
            kernel_stack_top,
            fpu,
            selectors: Selectors::NULL,
            fs_base: 0,
            user_rip,
        }
    }

    /// Where the program was interrupted last; 0 for the kernel's own tasks.
    #[inline]
    #[must_use]
    pub fn user_rip(&self) -> u64 {
        // SAFETY: it is in the frame at the top of the task's own kernel stack, or `NOWHERE`.
        unsafe { *self.user_rip }
    }
}

/// Writes `to` where a `ret` with the returned rsp finds it.
///
/// # Safety
/// The 8 bytes below `sp` are writable, and `sp` is a multiple of 8.
unsafe fn push_return_address(sp: *mut u8, to: unsafe extern "C" fn()) -> *mut u8 {
    let slot = sp.cast::<u64>().wrapping_sub(1);
    // SAFETY: passed on to the caller.
    unsafe { slot.write(to as usize as u64) };
    slot.cast()
}

unsafe extern "C" {
    fn kernel_task_entry();
}

// Where a kernel task begins: `for_kernel` left its function in r12 and the argument in r13. A
// backtrace ends here. An unwinder looks one byte before a return address, hence the `nop`: it is
// never executed, and its name is what a debugger shows below a task that has not run.
global_asm!(
    ".pushsection .text.kernel_task_entry, \"ax\", @progbits",
    ".cfi_startproc",
    ".cfi_undefined rip",
    ".type kernel_task_not_started, @function",
    "kernel_task_not_started:",
    "nop",
    ".size kernel_task_not_started, . - kernel_task_not_started",
    ".globl kernel_task_entry",
    ".type kernel_task_entry, @function",
    "kernel_task_entry:",
    "mov rdi, r13",
    "call r12",
    "ud2",
    ".cfi_endproc",
    ".size kernel_task_entry, . - kernel_task_entry",
    ".popsection",
);
