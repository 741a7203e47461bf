//! The program's first instructions: they store every register before anything can change it.

use core::arch::naked_asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;

/// The names of `Captured::general`, in order. rsp is kept apart: it is not 0.
pub(crate) const GENERAL: [&str; 15] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// Bytes of an FXSAVE image that the CPU writes (SDM volume 1, section 10.5.1).
pub(crate) const FXSAVE_USED: usize = 416;

/// Where it holds the x87 control word.
const FXSAVE_FCW: usize = 0;
/// Where it holds MXCSR, and the mask that says which of its bits exist.
const FXSAVE_MXCSR: usize = 24;
const FXSAVE_MXCSR_MASK: usize = 28;
/// Where the x87 registers begin.
const FXSAVE_REGISTERS: usize = 32;

/// The state at the first instruction.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub(crate) struct Captured {
    fxsave: [u8; 512],
    pub(crate) general: [u64; 15],
    pub(crate) rsp: u64,
    pub(crate) flags: u64,
    /// ds es fs gs.
    pub(crate) segments: [u64; 4],
}

const _: () = assert!(offset_of!(Captured, fxsave) == 0, "FXSAVE wants it aligned to 16");

impl Captured {
    const ZERO: Self =
        Self { fxsave: [0; 512], general: [0; 15], rsp: 0, flags: 0, segments: [0; 4] };

    pub(crate) fn x87_control(&self) -> u16 {
        u16::from_le_bytes([self.fxsave[FXSAVE_FCW], self.fxsave[FXSAVE_FCW + 1]])
    }

    pub(crate) fn mxcsr(&self) -> u32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.fxsave[FXSAVE_MXCSR..FXSAVE_MXCSR_MASK]);
        u32::from_le_bytes(bytes)
    }

    /// The bytes of the FXSAVE image that must be 0, with their offsets: status, tags, pointers,
    /// and the registers.
    pub(crate) fn fxsave_rest(&self) -> impl Iterator<Item = (usize, &u8)> {
        let used = self.fxsave[..FXSAVE_USED].iter().enumerate();
        used.filter(|(offset, _)| !matches!(offset, 0..2 | FXSAVE_MXCSR..FXSAVE_REGISTERS))
    }
}

/// Written once, by `_start`.
#[repr(transparent)]
struct Storage(UnsafeCell<Captured>);

// SAFETY: `_start` writes it before there is anybody to read it; afterwards it is only read.
unsafe impl Sync for Storage {}

static STORAGE: Storage = Storage(UnsafeCell::new(Captured::ZERO));

/// What `_start` stored.
pub(crate) fn take() -> Captured {
    // SAFETY: nobody writes it any more once Rust code runs.
    unsafe { *STORAGE.0.get() }
}

/// Where the kernel starts the program.
#[unsafe(naked)]
#[unsafe(no_mangle)]
pub(crate) extern "C" fn _start() -> ! {
    naked_asm!(
        ".cfi_startproc",
        ".cfi_undefined rip",
        "mov [rip + {storage} + {general}], rax",
        "mov [rip + {storage} + {general} + {word}], rbx",
        "mov [rip + {storage} + {general} + {word} * 2], rcx",
        "mov [rip + {storage} + {general} + {word} * 3], rdx",
        "mov [rip + {storage} + {general} + {word} * 4], rsi",
        "mov [rip + {storage} + {general} + {word} * 5], rdi",
        "mov [rip + {storage} + {general} + {word} * 6], rbp",
        "mov [rip + {storage} + {general} + {word} * 7], r8",
        "mov [rip + {storage} + {general} + {word} * 8], r9",
        "mov [rip + {storage} + {general} + {word} * 9], r10",
        "mov [rip + {storage} + {general} + {word} * 10], r11",
        "mov [rip + {storage} + {general} + {word} * 11], r12",
        "mov [rip + {storage} + {general} + {word} * 12], r13",
        "mov [rip + {storage} + {general} + {word} * 13], r14",
        "mov [rip + {storage} + {general} + {word} * 14], r15",
        "mov [rip + {storage} + {rsp}], rsp",
        "mov rdi, rsp",
        "pushfq",
        "pop qword ptr [rip + {storage} + {flags}]",
        "mov eax, ds",
        "mov [rip + {storage} + {segments}], rax",
        "mov eax, es",
        "mov [rip + {storage} + {segments} + {word}], rax",
        "mov eax, fs",
        "mov [rip + {storage} + {segments} + {word} * 2], rax",
        "mov eax, gs",
        "mov [rip + {storage} + {segments} + {word} * 3], rax",
        "fxsave64 [rip + {storage}]",
        "xor ebp, ebp",
        "call {main}",
        "ud2",
        ".cfi_endproc",
        storage = sym STORAGE,
        general = const offset_of!(Captured, general),
        rsp = const offset_of!(Captured, rsp),
        flags = const offset_of!(Captured, flags),
        segments = const offset_of!(Captured, segments),
        word = const size_of::<u64>(),
        main = sym crate::main,
    )
}

/// The ymm registers. Code for this target does not use them, so they still are what the kernel
/// made them. Needs AVX.
pub(crate) fn ymm() -> [[u64; 4]; 16] {
    let mut vectors = [[u64::MAX; 4]; 16];
    store_ymm(&mut vectors);
    return vectors;

    #[unsafe(naked)]
    extern "C" fn store_ymm(vectors: &mut [[u64; 4]; 16]) {
        naked_asm!(
            ".cfi_startproc",
            ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
            "vmovups [rdi + {vector} * \\i], ymm\\i",
            ".endr",
            "ret",
            ".cfi_endproc",
            vector = const size_of::<[u64; 4]>(),
        )
    }
}
