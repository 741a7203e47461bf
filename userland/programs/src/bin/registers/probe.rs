//! One way through the kernel with every register under control: [`State`] and the routines that
//! load it, make a call or let time pass, and store what came back.

use core::arch::naked_asm;
use core::mem::offset_of;

/// Everything of a program that the kernel must keep: loaded before, stored after.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct State {
    /// rax rbx rcx rdx rsi rdi rbp r8 .. r15: in the order of [`GENERAL`].
    pub(crate) general: [u64; GENERAL_WORDS],
    pub(crate) flags: u64,
    /// ds es fs gs.
    pub(crate) segments: [u64; 4],
    pub(crate) mxcsr: u64,
    pub(crate) x87_control: u64,
    /// Stored only: 0 when the eight registers are as they were loaded, and nothing happened since.
    pub(crate) x87_status: u64,
    /// st(0) to st(7), as the integers they hold.
    pub(crate) x87: [u64; 8],
    /// ymm0 to ymm15; of each the first half without AVX.
    pub(crate) vectors: [[u64; 4]; 16],
    /// Stored only: the address where the storing begins, after the `syscall` instruction.
    pub(crate) after: u64,
}

/// How many general registers there are beside rsp.
pub(crate) const GENERAL_WORDS: usize = 15;

/// The names of `State::general`, in order.
pub(crate) const GENERAL: [&str; GENERAL_WORDS] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// Positions in `State::general`.
pub(crate) const RAX: usize = 0;
pub(crate) const RCX: usize = 2;
pub(crate) const RSI: usize = 4;
pub(crate) const RDI: usize = 5;
pub(crate) const R10: usize = 9;
pub(crate) const R11: usize = 10;

const GENERAL_BYTES: usize = size_of::<[u64; GENERAL_WORDS]>();
const _: () = assert!(offset_of!(State, general) == 0, "popped in order");
const _: () = assert!(offset_of!(State, flags) == GENERAL_BYTES, "popped next");

/// Makes a routine `fn(want: *const State, got: *mut State)`.
///
/// ```text
///        │ return address       │
///        │ rbx rbp r12 .. r15   │ the caller's
///        │ rflags               │
///        │ x87 control, mxcsr   │
///        │ got                  │
/// call ► ├──────────────────────┤ every register holds a pattern but rsp
///        │ rflags               │ pushed straight after the call,
///        │ r15 .. rax           │ popped into `got`
/// rsp ─► └──────────────────────┘
/// ```
macro_rules! probe {
    ($(#[$doc:meta])* $name:ident, $between:ident, load: $load:literal, store: $store:literal) => {
        $(#[$doc])*
        #[unsafe(naked)]
        pub(crate) unsafe extern "C" fn $name(want: *const State, got: *mut State) {
            naked_asm!(
                ".cfi_startproc",
                ".irp register, rbx, rbp, r12, r13, r14, r15",
                "push \\register",
                ".cfi_adjust_cfa_offset 8",
                ".cfi_rel_offset \\register, 0",
                ".endr",
                "pushfq",
                ".cfi_adjust_cfa_offset 8",
                "push 0",
                ".cfi_adjust_cfa_offset 8",
                "fnstcw [rsp]",
                "push 0",
                ".cfi_adjust_cfa_offset 8",
                "stmxcsr [rsp]",
                "push rsi",
                ".cfi_adjust_cfa_offset 8",
                // Load everything, the general registers last.
                "fninit",
                "fldcw [rdi + {x87_control}]",
                ".irp i, 7, 6, 5, 4, 3, 2, 1, 0",
                "fild qword ptr [rdi + {x87} + {word} * \\i]",
                ".endr",
                "ldmxcsr [rdi + {mxcsr}]",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                $load,
                ".endr",
                "mov eax, [rdi + {segments}]",
                "mov ds, eax",
                "mov eax, [rdi + {segments} + {word}]",
                "mov es, eax",
                "mov eax, [rdi + {segments} + {word} * 2]",
                "mov fs, eax",
                "mov eax, [rdi + {segments} + {word} * 3]",
                "mov gs, eax",
                "push qword ptr [rdi + {flags}]",
                ".cfi_adjust_cfa_offset 8",
                "popfq",
                ".cfi_adjust_cfa_offset -8",
                "mov rax, [rdi]",
                "mov rbx, [rdi + {word}]",
                "mov rcx, [rdi + {word} * 2]",
                "mov rdx, [rdi + {word} * 3]",
                "mov rsi, [rdi + {word} * 4]",
                "mov rbp, [rdi + {word} * 6]",
                "mov r8, [rdi + {word} * 7]",
                "mov r9, [rdi + {word} * 8]",
                "mov r10, [rdi + {word} * 9]",
                "mov r11, [rdi + {word} * 10]",
                "mov r12, [rdi + {word} * 11]",
                "mov r13, [rdi + {word} * 12]",
                "mov r14, [rdi + {word} * 13]",
                "mov r15, [rdi + {word} * 14]",
                "mov rdi, [rdi + {word} * 5]",
                $between!(),
                "2:",
                // Store everything, the general registers first.
                "pushfq",
                ".cfi_adjust_cfa_offset 8",
                ".irp register, r15, r14, r13, r12, r11, r10, r9, r8",
                "push \\register",
                ".cfi_adjust_cfa_offset 8",
                ".endr",
                ".irp register, rbp, rdi, rsi, rdx, rcx, rbx, rax",
                "push \\register",
                ".cfi_adjust_cfa_offset 8",
                ".endr",
                "mov rsi, [rsp + {general_bytes} + {word}]",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                "pop qword ptr [rsi + {word} * \\i]",
                ".cfi_adjust_cfa_offset -8",
                ".endr",
                "cld",
                "lea rax, [rip + 2b]",
                "mov [rsi + {after}], rax",
                "mov eax, ds",
                "mov [rsi + {segments}], rax",
                "mov eax, es",
                "mov [rsi + {segments} + {word}], rax",
                "mov eax, fs",
                "mov [rsi + {segments} + {word} * 2], rax",
                "mov eax, gs",
                "mov [rsi + {segments} + {word} * 3], rax",
                "stmxcsr [rsi + {mxcsr}]",
                "fnstcw [rsi + {x87_control}]",
                "fnstsw [rsi + {x87_status}]",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7",
                "fistp qword ptr [rsi + {x87} + {word} * \\i]",
                ".endr",
                ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
                $store,
                ".endr",
                // Give the caller its own back.
                "pop rsi",
                ".cfi_adjust_cfa_offset -8",
                "ldmxcsr [rsp]",
                "pop rax",
                ".cfi_adjust_cfa_offset -8",
                "fldcw [rsp]",
                "pop rax",
                ".cfi_adjust_cfa_offset -8",
                "popfq",
                ".cfi_adjust_cfa_offset -8",
                ".irp register, r15, r14, r13, r12, rbp, rbx",
                "pop \\register",
                ".cfi_adjust_cfa_offset -8",
                ".cfi_restore \\register",
                ".endr",
                "ret",
                ".cfi_endproc",
                word = const size_of::<u64>(),
                general_bytes = const GENERAL_BYTES,
                flags = const offset_of!(State, flags),
                segments = const offset_of!(State, segments),
                mxcsr = const offset_of!(State, mxcsr),
                x87_control = const offset_of!(State, x87_control),
                x87_status = const offset_of!(State, x87_status),
                x87 = const offset_of!(State, x87),
                vectors = const offset_of!(State, vectors),
                vector = const size_of::<[u64; 4]>(),
                after = const offset_of!(State, after),
            )
        }
    };
}

/// Straight into the kernel.
macro_rules! call {
    () => {
        "syscall"
    };
}

/// No instruction that changes anything, many times: the timer interrupts somewhere here.
macro_rules! wait {
    () => {
        ".rept 8192\nnop\n.endr"
    };
}

probe! {
    /// A call, with the xmm registers.
    ///
    /// # Safety
    ///
    /// `want` must hold a call that harms nobody, selectors that load, and floating-point control
    /// words with every exception masked; `got` is written.
    call_sse, call,
    load: "movups xmm\\i, [rdi + {vectors} + {vector} * \\i]",
    store: "movups [rsi + {vectors} + {vector} * \\i], xmm\\i"
}

probe! {
    /// A call, with the ymm registers: needs AVX.
    ///
    /// # Safety
    ///
    /// As for [`call_sse`], on a CPU whose AVX the kernel has enabled.
    call_avx, call,
    load: "vmovups ymm\\i, [rdi + {vectors} + {vector} * \\i]",
    store: "vmovups [rsi + {vectors} + {vector} * \\i], ymm\\i"
}

probe! {
    /// No call but time, with the xmm registers.
    ///
    /// # Safety
    ///
    /// As for [`call_sse`].
    wait_sse, wait,
    load: "movups xmm\\i, [rdi + {vectors} + {vector} * \\i]",
    store: "movups [rsi + {vectors} + {vector} * \\i], xmm\\i"
}

probe! {
    /// No call but time, with the ymm registers.
    ///
    /// # Safety
    ///
    /// As for [`call_avx`].
    wait_avx, wait,
    load: "vmovups ymm\\i, [rdi + {vectors} + {vector} * \\i]",
    store: "vmovups [rsi + {vectors} + {vector} * \\i], ymm\\i"
}
