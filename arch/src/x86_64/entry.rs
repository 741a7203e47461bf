//! Into the kernel and out of it: `syscall_entry`, `trap_common`, and the way out, `trap_exit`.
//! (`paranoid` is the way in for three exceptions that can strike at any moment.)
//!
//! Only the CPU comes here (LSTAR, the IDT), and `switch`, whose tasks leave by `trap_exit`.
//! All entries from ring 3 leave this picture, and the kernel's [`TrapHandler`] gets its address:
//!
//! ```text
//!  high ┌──────────────────────┐ ◄─ TSS.RSP0: top of the task's kernel stack
//!       │ ss rsp rflags cs rip │    pushed by the CPU, or by syscall_entry in the same order
//!       │ error  vector        │    pushed by the vector stub (by the CPU for some errors)
//!       │ rax rbx rcx .. r15   │    pushed here
//!       ├──────────────────────┤ ◄─ rsp = rdi = &TrapFrame, a multiple of 16
//!  low  │ frames of Rust       │
//! ```
//!
//! What must stay true:
//! - Interrupts are off from the first instruction to the last; the GS base is the program's
//!   before `swapgs` on the way in, and after it on the way out.
//! - The kernel runs with RFLAGS = 2: `syscall` clears the rest by FMASK, the tails with `popfq`,
//!   as an interrupt gate leaves DF and AC as the program had them.
//! - At each instruction the CFI describes the interrupted program, so that a debugger unwinds
//!   into it. No rule reaches through gs: gdb cannot follow it there.
//!
//! [`TrapHandler`]: super::TrapHandler

use core::arch::naked_asm;
use core::mem::offset_of;

use super::frame::{
    RFLAGS_FIXED, RFLAGS_USER, SYSCALL_VECTOR, TrapFrame, USER_CODE_SELECTOR, USER_DATA_SELECTOR,
    USER_END,
};
use super::percpu;

unsafe extern "C" {
    /// The way out, entered with rsp = &[`TrapFrame`] of a system call: a label inside
    /// [`syscall_entry`].
    pub(super) fn trap_exit();
    /// Its second half, for every other frame, that of a program that has not run among them.
    pub(super) fn interrupt_exit();
}

/// In memory, because no instruction compares with 64 bits of immediate; beside what else every exit
/// reads.
#[unsafe(link_section = ".data.hot")]
static USER_END_WORD: u64 = USER_END;

/// Where `syscall` leads: builds the frame, calls the kernel, and falls into `trap_exit`.
///
/// On entry (SDM vol. 2B, SYSCALL): rcx = rip and r11 = RFLAGS of the program, rsp still its
/// own, RFLAGS & FMASK = 0. r11 is parked in PerCpu so that the program's rsp can wait in a
/// register, where CFI can name it.
///
/// `trap_exit` returns by `sysretq` if rip is below `USER_END` (Intel's `sysretq` to a non-canonical
/// address faults in ring 0, on the program's stack: CVE-2012-0217): rip and RFLAGS are then what the
/// CPU gave, as the kernel changes neither, and rcx and r11 are lost to the program by `syscall`
/// itself. Otherwise it goes on as `interrupt_exit`: by `iretq`, which cannot fault either. CS, SS and
/// RFLAGS are given good values, and a bad rip becomes `USER_END`, where nothing is mapped: the program
/// faults, in ring 3.
#[unsafe(naked)]
#[unsafe(export_name = "syscall_entry")]
#[unsafe(link_section = ".text.hot")]
pub(super) unsafe extern "C" fn syscall_entry() {
    naked_asm!(
        ".cfi_startproc simple",
        ".cfi_signal_frame",
        ".cfi_def_cfa rsp, 0",
        ".cfi_val_offset rsp, 0",
        ".cfi_register rip, rcx",
        ".cfi_register rflags, r11",
        "swapgs",
        "mov gs:[{scratch}], r11",
        ".cfi_undefined rflags",
        "mov r11, rsp",
        ".cfi_def_cfa_register r11",
        "mov rsp, gs:[{kernel_stack_top}]",
        "push {user_data}",
        "push r11",
        ".cfi_def_cfa rsp, 16",
        ".cfi_offset rsp, -16",
        save!("qword ptr gs:[{scratch}]" as "rflags"),
        push!("{user_code}"),
        save!("rcx" as "rip"),
        push!("0"),
        push!("{syscall_vector}"),
        save_registers!("qword ptr gs:[{scratch}]"),
        "mov rdi, rsp",
        "call gs:[{syscall}]",

        ".globl trap_exit",
        ".type trap_exit, @function",
        "trap_exit:",
        "mov rcx, [rsp + {rip}]",
        "mov r11, [rsp + {rflags}]",
        "cmp rcx, [rip + {user_end}]",
        "jae interrupt_exit",
        ".cfi_remember_state",
        load_registers!(),
        "mov rsp, [rsp + {rsp}]",
        registers_are_loaded!(),
        "swapgs",
        "sysretq",
        ".size trap_exit, . - trap_exit",

        ".globl interrupt_exit",
        ".type interrupt_exit, @function",
        "interrupt_exit:",
        ".cfi_restore_state",
        ".cfi_def_cfa_offset {frame_size}", // LLVM would go on from the 0 above.
        "and qword ptr [rsp + {rflags}], {rflags_user}",
        "or qword ptr [rsp + {rflags}], {rflags_fixed}",
        "mov qword ptr [rsp + {cs}], {user_code}",
        "mov qword ptr [rsp + {ss}], {user_data}",
        "mov rcx, [rip + {user_end}]",
        "cmp [rsp + {rip}], rcx",
        "jbe 2f",
        "mov [rsp + {rip}], rcx",
        "2:",
        restore_registers!(),
        "add rsp, {rip} - {vector}",
        ".cfi_adjust_cfa_offset -16",
        "swapgs",
        "iretq",
        ".size interrupt_exit, . - interrupt_exit",
        ".cfi_endproc",
        scratch = const percpu::SCRATCH,
        kernel_stack_top = const percpu::KERNEL_STACK_TOP,
        syscall = const percpu::SYSCALL,
        user_data = const USER_DATA_SELECTOR,
        user_code = const USER_CODE_SELECTOR,
        syscall_vector = const SYSCALL_VECTOR,
        rflags_user = const RFLAGS_USER,
        rflags_fixed = const RFLAGS_FIXED,
        user_end = sym USER_END_WORD,
        frame_size = const size_of::<TrapFrame>(),
        vector = const offset_of!(TrapFrame, vector),
        rip = const offset_of!(TrapFrame, rip),
        cs = const offset_of!(TrapFrame, cs),
        rflags = const offset_of!(TrapFrame, rflags),
        rsp = const offset_of!(TrapFrame, rsp),
        ss = const offset_of!(TrapFrame, ss),
        rax = const offset_of!(TrapFrame, rax),
        rbx = const offset_of!(TrapFrame, rbx),
        rdx = const offset_of!(TrapFrame, rdx),
        rsi = const offset_of!(TrapFrame, rsi),
        rdi = const offset_of!(TrapFrame, rdi),
        rbp = const offset_of!(TrapFrame, rbp),
        r8 = const offset_of!(TrapFrame, r8),
        r9 = const offset_of!(TrapFrame, r9),
        r10 = const offset_of!(TrapFrame, r10),
        r12 = const offset_of!(TrapFrame, r12),
        r13 = const offset_of!(TrapFrame, r13),
        r14 = const offset_of!(TrapFrame, r14),
        r15 = const offset_of!(TrapFrame, r15),
    )
}

/// Where every vector but four goes on: `swapgs` exactly when ring 3 was interrupted.
///
/// The `lfence` on either side keeps the CPU from running ahead with the wrong GS base
/// (CVE-2019-1125). Ring 0 is only ever interrupted in the idle task, or by its own bug.
#[unsafe(naked)]
#[unsafe(export_name = "trap_common")]
#[unsafe(link_section = ".text.hot")]
pub(super) unsafe extern "C" fn trap_common() {
    naked_asm!(
        interrupt_frame!(),
        save_registers!("r11"),
        kernel_flags!(),
        "test byte ptr [rsp + {cs}], 3",
        "jz 2f",
        "swapgs",
        "lfence",
        "mov rdi, rsp",
        "call gs:[{trap}]",
        "jmp {interrupt_exit}",

        "2:",
        "lfence",
        "mov rdi, rsp",
        "call gs:[{trap}]",
        restore_registers!(),
        "add rsp, {rip} - {vector}",
        ".cfi_adjust_cfa_offset -16",
        "iretq",
        ".cfi_endproc",
        trap = const percpu::TRAP,
        interrupt_exit = sym interrupt_exit,
        cs = const offset_of!(TrapFrame, cs),
        rip = const offset_of!(TrapFrame, rip),
        vector = const offset_of!(TrapFrame, vector),
    )
}

/// Where CSTAR leads. The GDT has no 32-bit code segment, so nothing comes here; if something
/// did, it would stand on a stack the kernel knows nothing about.
#[unsafe(naked)]
#[unsafe(export_name = "syscall_from_compatibility_mode")]
pub(super) unsafe extern "C" fn syscall_from_compatibility_mode() {
    naked_asm!(
        ".cfi_startproc simple",
        ".cfi_signal_frame",
        ".cfi_def_cfa rsp, 0",
        // It is where a trace ends.
        ".cfi_undefined rip",
        "2:",
        "cli",
        "hlt",
        "jmp 2b",
        ".cfi_endproc",
    )
}
