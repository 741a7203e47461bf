//! The switch: from one kernel stack to another, and all that changes with it.
//!
//! [`TaskContext`] is what a suspended task leaves behind: the registers a function must preserve,
//! its stack pointer, its page tables, and behind it its FPU image. Everything else is on its kernel
//! stack. A task is suspended in one of two ways, which meet in `switch_context`: in the middle of
//! the kernel ([`switch`]), or when nothing is left to be done but to leave it ([`switch_at_exit`]).
//! Only the scheduler may call either. What must stay true: interrupts are off from choosing the next
//! task until it has left the kernel; `prev` is the context that really runs, so that what it says
//! (CR3) is what the CPU holds.

mod birth;
mod context;
mod special;

use core::arch::naked_asm;
use core::mem::offset_of;

use super::entry::{interrupt_exit, trap_exit};
use super::frame::{SYSCALL_VECTOR, TrapFrame};
use super::{fpu, irq, percpu, segments};
use special::exchange_special;

pub use context::{TaskContext, current, current_address, set_current};

/// Suspends the running task in `prev` and resumes `next`. Returns when another switch resumes
/// `prev`.
///
/// # Safety
/// Interrupts are off and no lock is held. `prev` is the context of the running task and `next`
/// that of a suspended one; both are valid, as is all they point at, until they run again. The
/// caller is not on an interrupt stack of the TSS.
#[inline]
pub unsafe fn switch(prev: *mut TaskContext, next: *mut TaskContext) {
    debug_assert!(!irq::enabled(), "switch with interrupts on");
    // SAFETY: passed on to the caller.
    unsafe { suspend_context(prev, next) };
}

/// As [`switch`], for a task that has nothing left to do in the kernel: it goes on where the
/// function that the entry called would have returned to, and what that function, and those it
/// called, left on the stack is forgotten. `frame` has all its registers, so none is saved again.
///
/// # Safety
/// As [`switch`], where `prev` is the context of the task that `frame` belongs to; the kernel was
/// entered from ring 3, and nothing that the caller and its callers hold needs to be dropped.
#[inline]
pub unsafe fn switch_at_exit(frame: *mut TrapFrame, next: *mut TaskContext) -> ! {
    debug_assert!(!irq::enabled(), "switch with interrupts on");
    // SAFETY: passed on to the caller.
    unsafe { leave_context(frame, next) }
}

unsafe extern "C" {
    /// The second way in: a label inside [`suspend_context`].
    fn leave_context(frame: *mut TrapFrame, next: *mut TaskContext) -> !;
}

/// Pieces of [`suspend_context`], which each of its two ways has: FPU state by XSAVE...
macro_rules! exchange_plain {
    () => {
        // The components that edx would add are none of XCR0.
        "mov eax, {components}
         xsave64 [rdi + {image}]
         xrstor64 [rsi + {image}]"
    };
}

/// ... and page tables.
macro_rules! change_space {
    () => {
        "mov rax, [rsi + {cr3}]
         cmp rax, [rdi + {cr3}]
         je 2f
         mov cr3, rax
         2:"
    };
}

/// Saves the registers a function must preserve; `leave_context` saves nothing, as if the kernel were
/// about to return to [`entry`](super::entry): `in_kernel` and `rsp`, which is at the frame and right
/// above the return address, say so all the time but while the task is suspended in the kernel. Both
/// go on as `switch_context`, which exchanges FPU state, page tables and stacks, and ends where `next` goes on.
///
/// ```text
///   prev's stack                      next's stack
///   │ TaskContext          │          │ TaskContext          │ ◄─ rsi, then TSS.RSP0
///   │ TrapFrame            │          │ TrapFrame            │
///   │ frames of the kernel │          │ frames of the kernel │
///   │ return address       │ ◄─ rsp   │ return address       │ ◄─ next.rsp, then rsp
/// ```
///
/// Selectors are stored, and looked at together with what either task has of its own (`special`) and
/// with whether `next` is suspended in the kernel: nearly always there is nothing, so that the FPU is
/// all, and the way on leads straight to ring 3 (a jump through memory would be one more place to look
/// up after a change of page tables). CR3 is written only if it differs, and right before rsp: between
/// the two the kernel part of a backtrace is right and the program's is not. Up to there the CFI
/// describes `prev`; from there on `next`, whose registers are in its frame, or in memory, at `rsi`,
/// until each is loaded.
///
/// # Safety
/// As [`switch`]; nothing privileged happens while both contexts have the same CR3 and are not
/// special.
#[unsafe(naked)]
#[unsafe(export_name = "suspend_context")]
#[unsafe(link_section = ".text.hot")]
unsafe extern "C" fn suspend_context(prev: *mut TaskContext, next: *mut TaskContext) {
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
        "mov dword ptr [rdi + {in_kernel}], 1",
        "jmp switch_context",

        ".globl leave_context",
        ".type leave_context, @function",
        "leave_context:",
        "add rdi, {frame_size}", // From the frame to the context above it.

        ".globl switch_context",
        ".type switch_context, @function",
        "switch_context:",
        "mov gs:[{kernel_stack_top}], rsi",
        "mov word ptr [rdi + {ds}], ds",
        "mov word ptr [rdi + {es}], es",
        "mov word ptr [rdi + {fs}], fs",
        "mov word ptr [rdi + {gs}], gs",
        "mov rax, [rdi + {selectors}]",
        "or rax, [rdi + {special}]", // With `in_kernel`: both are half a word.
        "or rax, [rsi + {special}]",
        "jnz 4f",
        exchange_plain!(),
        "3:",
        change_space!(),
        ".cfi_remember_state",
        "lea rsp, [rsi - {frame_size}]",
        ".cfi_def_cfa_offset 0",
        ".globl resume_at_exit",
        "resume_at_exit:",
        "cmp dword ptr [rsp + {vector}], {syscall_vector}",
        "je {trap_exit}",
        "jmp {interrupt_exit}",

        "4:",
        ".cfi_restore_state",
        ".cfi_remember_state",
        "mov rax, [rdi + {selectors}]",
        "mov ecx, [rdi + {special}]",
        "or ecx, [rsi + {special}]",
        "or rax, rcx",
        "jnz 6f",
        exchange_plain!(),
        "5:",
        "cmp dword ptr [rsi + {in_kernel}], 0",
        "je 3b",
        change_space!(),
        "mov rsp, [rsi + {rsp}]",
        ".cfi_escape 0x10, 3, 2, 0x74, {rbx}",
        ".cfi_escape 0x10, 6, 2, 0x74, {rbp}",
        ".cfi_escape 0x10, 12, 2, 0x74, {r12}",
        ".cfi_escape 0x10, 13, 2, 0x74, {r13}",
        ".cfi_escape 0x10, 14, 2, 0x74, {r14}",
        ".cfi_escape 0x10, 15, 2, 0x74, {r15}",
        ".globl resume_in_kernel",
        "resume_in_kernel:",
        "mov dword ptr [rsi + {in_kernel}], 0",
        "lea rax, [rsi - {frame_size}]",
        "mov [rsi + {rsp}], rax",
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
        ".globl return_in_kernel",
        "return_in_kernel:",
        "ret",

        "6:",
        ".cfi_restore_state",
        ".cfi_def_cfa_offset 8", // LLVM would go on from the 0 of `resume_at_exit`.
        "push rdi",
        ".cfi_adjust_cfa_offset 8",
        "push rsi",
        ".cfi_adjust_cfa_offset 8",
        "sub rsp, 8",
        ".cfi_adjust_cfa_offset 8",
        "call {exchange_special}",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "pop rsi",
        ".cfi_adjust_cfa_offset -8",
        "pop rdi",
        ".cfi_adjust_cfa_offset -8",
        "jmp 5b",
        ".size switch_context, . - switch_context",
        ".cfi_endproc",
        rbx = const offset_of!(TaskContext, rbx),
        rbp = const offset_of!(TaskContext, rbp),
        r12 = const offset_of!(TaskContext, r12),
        r13 = const offset_of!(TaskContext, r13),
        r14 = const offset_of!(TaskContext, r14),
        r15 = const offset_of!(TaskContext, r15),
        rsp = const offset_of!(TaskContext, rsp),
        frame_size = const size_of::<TrapFrame>(),
        kernel_stack_top = const percpu::KERNEL_STACK_TOP,
        ds = const offset_of!(TaskContext, selectors) + segments::DS,
        es = const offset_of!(TaskContext, selectors) + segments::ES,
        fs = const offset_of!(TaskContext, selectors) + segments::FS,
        gs = const offset_of!(TaskContext, selectors) + segments::GS,
        selectors = const offset_of!(TaskContext, selectors),
        special = const offset_of!(TaskContext, special),
        in_kernel = const offset_of!(TaskContext, in_kernel),
        components = const fpu::COMPONENTS,
        image = const TaskContext::IMAGE,
        cr3 = const offset_of!(TaskContext, cr3),
        vector = const offset_of!(TrapFrame, vector),
        syscall_vector = const SYSCALL_VECTOR,
        trap_exit = sym trap_exit,
        interrupt_exit = sym interrupt_exit,
        exchange_special = sym exchange_special,
    )
}

#[cfg(test)]
mod tests;
