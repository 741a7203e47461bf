//! `trap_paranoid`: into the kernel for #DB, #DF and #MC, which can strike between any two
//! instructions, also where the GS base is not yet, or no longer, the kernel's.
//!
//! Only the vector stubs come here. The rules are those of `entry`. (The fourth of the kind, the
//! NMI, needs none of this: see `stubs`.)

use core::arch::naked_asm;
use core::mem::offset_of;

use super::entry::{interrupt_exit, syscall_entry};
use super::frame::TrapFrame;
use super::{msr, percpu, vector};

/// Where #DB, #DF and #MC go on, each on a stack of its own.
///
/// In ring 0 they can strike while the GS base is the program's, so the base itself is asked:
/// the kernel's is in the upper half, a program's never (CR4.FSGSBASE is off, so it is 0). ebx
/// remembers whether to swap back.
///
/// From ring 3 the frame moves to the task's kernel stack first: there the kernel may switch, and
/// leave as from any other entry. Not so a #DF, which says that this stack cannot be used.
///
/// A program that steps (TF) into a call owes a #DB after it. Processors take it once the call is
/// over, because FMASK has cleared TF; Bochs at the first instruction of the entry. It is forgotten
/// there: the program's TF comes back with the flags, and with it the #DB.
#[unsafe(naked)]
#[unsafe(export_name = "trap_paranoid")]
pub(super) unsafe extern "C" fn trap_paranoid() {
    naked_asm!(
        interrupt_frame!(),
        save_registers!("r11"),
        kernel_flags!(),
        "cmp qword ptr [rsp + {vector}], {double_fault}",
        "je 5f",
        "test byte ptr [rsp + {cs}], 3",
        "jnz 4f",
        "5:",
        "cmp qword ptr [rsp + {vector}], {debug}",
        "jne 6f",
        "lea rcx, [rip + {syscall_entry}]",
        "cmp [rsp + {rip}], rcx",
        "je 3f",
        "6:",
        "mov ecx, {gs_base}",
        "rdmsr",
        "xor ebx, ebx",
        "test edx, edx",
        "js 2f",
        "swapgs",
        "inc ebx",
        "2:",
        "lfence",
        "mov rdi, rsp",
        "call gs:[{trap}]",
        "test ebx, ebx",
        "jz 3f",
        "swapgs",
        "3:",
        ".cfi_remember_state",
        restore_registers!(),
        "add rsp, {rip} - {vector}",
        ".cfi_adjust_cfa_offset -16",
        "iretq",

        "4:",
        ".cfi_restore_state",
        "swapgs",
        "lfence",
        "mov rsi, rsp",
        "mov rdi, gs:[{kernel_stack_top}]",
        "sub rdi, {frame_size}",
        "mov rax, rdi",
        "mov ecx, {frame_size} / 8",
        "rep movsq",
        "mov rsp, rax",
        "mov rdi, rax",
        "call gs:[{trap}]",
        "jmp {interrupt_exit}",
        ".cfi_endproc",
        debug = const vector::DEBUG,
        double_fault = const vector::DOUBLE_FAULT,
        syscall_entry = sym syscall_entry,
        gs_base = const msr::GS_BASE,
        kernel_stack_top = const percpu::KERNEL_STACK_TOP,
        trap = const percpu::TRAP,
        interrupt_exit = sym interrupt_exit,
        frame_size = const size_of::<TrapFrame>(),
        cs = const offset_of!(TrapFrame, cs),
        rip = const offset_of!(TrapFrame, rip),
        vector = const offset_of!(TrapFrame, vector),
    )
}
