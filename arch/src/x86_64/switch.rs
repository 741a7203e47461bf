//! The switch: [`switch`] and [`switch_at_exit`] move what is not on the stack, `switch_context`
//! changes stacks.
//!
//! [`TaskContext`] is what a suspended task leaves behind: the registers a function must preserve,
//! its stack pointer, and where the rest of it is kept. Everything else is on its kernel stack.
//! Only the scheduler may call [`switch`]. What must stay true: interrupts are off from choosing
//! the next task until it has left the kernel; `prev` is the context that really runs, so that
//! what it says (CR3) is what the CPU holds.

mod context;

use core::arch::naked_asm;
use core::mem::offset_of;

use super::frame::TrapFrame;
use super::{fpu, irq, percpu, segments};

pub use context::TaskContext;

/// Suspends the running task in `prev` and resumes `next`. Returns when another switch resumes
/// `prev`.
///
/// # Safety
/// Interrupts are off and no lock is held. `prev` is the context of the running task and `next`
/// that of a suspended one; both are valid, as is all they point at, until they run again. The
/// caller is not on an interrupt stack of the TSS.
#[inline]
pub unsafe fn switch(prev: *mut TaskContext, next: *const TaskContext) {
    // SAFETY: passed on to the caller.
    unsafe { exchange(prev, next) };
    // SAFETY: the rest of the contract is the caller's.
    unsafe { suspend_context(prev, next) };
}

/// As [`switch`], for a task that has nothing left to do in the kernel: it goes on where the
/// function that the entry called would have returned to, and what that function, and those it
/// called, left on the stack is forgotten. The frame has all registers, so none is saved again.
///
/// # Safety
/// As [`switch`]; the kernel was entered from ring 3, and nothing that the caller and its callers
/// hold needs to be dropped.
#[inline]
pub unsafe fn switch_at_exit(prev: *mut TaskContext, next: *const TaskContext) -> ! {
    // SAFETY: passed on to the caller.
    unsafe { exchange(prev, next) };
    // SAFETY: the rest of the contract is the caller's.
    unsafe { leave_context(prev, next) }
}

/// Moves what is neither on the stack nor among the registers of [`suspend_context`].
///
/// # Safety
/// As [`switch`].
#[inline(always)]
unsafe fn exchange(prev: *mut TaskContext, next: *const TaskContext) {
    debug_assert!(!irq::enabled(), "switch with interrupts on");
    // SAFETY: valid, and nobody else touches it (caller).
    let outgoing = unsafe { &mut *prev };
    // SAFETY: as above.
    let incoming = unsafe { &*next };
    // SAFETY: from here to the new stack no entry from ring 3 can happen: interrupts are off.
    unsafe { percpu::set_kernel_stack_top(incoming.kernel_stack_top) };
    // SAFETY: `init` has run.
    let mask = unsafe { percpu::xsave_mask() };
    // SAFETY: the images belong to the two tasks (caller) and were initialised or saved before.
    unsafe { fpu::exchange(mask, outgoing.fpu, incoming.fpu) };
    // SAFETY: one runs, the other is suspended (caller).
    unsafe { segments::exchange(outgoing, incoming) };
}

/// Suspends `prev` as if the kernel were about to return to [`entry`](super::entry): there is the
/// return address of its call, right below the frame.
///
/// # Safety
/// As [`switch_at_exit`].
#[unsafe(naked)]
#[unsafe(export_name = "leave_context")]
unsafe extern "C" fn leave_context(prev: *mut TaskContext, next: *const TaskContext) -> ! {
    naked_asm!(
        ".cfi_startproc",
        "mov rax, [rdi + {kernel_stack_top}]",
        "sub rax, {below_frame}",
        "mov [rdi + {rsp}], rax",
        "jmp {switch_context}",
        ".cfi_endproc",
        kernel_stack_top = const offset_of!(TaskContext, kernel_stack_top),
        below_frame = const size_of::<TrapFrame>() + size_of::<u64>(),
        rsp = const offset_of!(TaskContext, rsp),
        switch_context = sym switch_context,
    )
}

unsafe extern "C" {
    /// Where both ways of suspending meet: a label inside [`suspend_context`].
    fn switch_context();
}

/// Saves the registers a function must preserve, and goes on as `switch_context`, which changes page
/// tables and stacks and loads the registers of `next`.
///
/// ```text
///   prev's stack                      next's stack
///   │ frames of the kernel │          │ frames of the kernel │
///   │ return address       │ ◄─ rsp   │ return address       │ ◄─ next.rsp, then rsp
/// ```
///
/// CR3 is written only if it differs, and right before rsp: between the two the kernel part of a
/// backtrace is right and the program's is not. Up to `mov rsp` the CFI describes `prev`; from
/// there on `next`, whose registers are in memory, at `rsi`, until each is loaded.
///
/// # Safety
/// As [`switch`]; nothing privileged happens while both contexts have the same CR3.
#[unsafe(naked)]
#[unsafe(export_name = "suspend_context")]
unsafe extern "C" fn suspend_context(prev: *mut TaskContext, next: *const TaskContext) {
    // `.cfi_escape 0x10, register, 2, 0x74, offset`: DW_CFA_expression, the register is saved at
    // DW_OP_breg4 (rsi) + offset. Numbers of the System V ABI: rbx 3, rbp 6, r12 to r15 as named.
    naked_asm!(
        ".cfi_startproc",
        "mov [rdi + {rbx}], rbx",
        "mov [rdi + {rbp}], rbp",
        "mov [rdi + {r12}], r12",
        "mov [rdi + {r13}], r13",
        "mov [rdi + {r14}], r14",
        "mov [rdi + {r15}], r15",
        "mov [rdi + {rsp}], rsp",
        ".globl switch_context",
        ".type switch_context, @function",
        "switch_context:",
        "mov rax, [rsi + {cr3}]",
        "cmp rax, [rdi + {cr3}]",
        "je 2f",
        "mov cr3, rax",
        "2:",
        "mov rsp, [rsi + {rsp}]",
        ".cfi_escape 0x10, 3, 2, 0x74, {rbx}",
        ".cfi_escape 0x10, 6, 2, 0x74, {rbp}",
        ".cfi_escape 0x10, 12, 2, 0x74, {r12}",
        ".cfi_escape 0x10, 13, 2, 0x74, {r13}",
        ".cfi_escape 0x10, 14, 2, 0x74, {r14}",
        ".cfi_escape 0x10, 15, 2, 0x74, {r15}",
        "mov rbx, [rsi + {rbx}]",
        ".cfi_same_value rbx",
        "mov rbp, [rsi + {rbp}]",
        ".cfi_same_value rbp",
        "mov r12, [rsi + {r12}]",
        ".cfi_same_value r12",
        "mov r13, [rsi + {r13}]",
        ".cfi_same_value r13",
        "mov r14, [rsi + {r14}]",
        ".cfi_same_value r14",
        "mov r15, [rsi + {r15}]",
        ".cfi_same_value r15",
        "ret",
        ".size switch_context, . - switch_context",
        ".cfi_endproc",
        rbx = const offset_of!(TaskContext, rbx),
        rbp = const offset_of!(TaskContext, rbp),
        r12 = const offset_of!(TaskContext, r12),
        r13 = const offset_of!(TaskContext, r13),
        r14 = const offset_of!(TaskContext, r14),
        r15 = const offset_of!(TaskContext, r15),
        rsp = const offset_of!(TaskContext, rsp),
        cr3 = const offset_of!(TaskContext, cr3),
    )
}

#[cfg(test)]
mod tests;
