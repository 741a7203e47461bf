//! The 256 places an interrupt or exception can lead to, `vector_00` to `vector_ff`.
//!
//! Each stub completes what the CPU pushed to one shape, whatever the vector, and goes on to one
//! of two tails, `trap_common` or `trap_paranoid`:
//!
//! ```text
//!   ss rsp rflags cs rip    pushed by the CPU, on a stack aligned to 16
//!   error                   pushed by the CPU for some vectors, else 0 by the stub
//!   vector                  pushed by the stub
//! ```
//!
//! An NMI touches no register, no memory but one counter, and so no segment base and no page
//! that could be missing: there is no moment at which it could do harm.

use core::arch::global_asm;
use core::sync::atomic::AtomicU64;

use super::{entry, paranoid, vector};

/// Vectors for which the CPU pushes an error code: 8, 10 to 14, 17, 21 (SDM vol. 3A, table 6-1).
const WITH_ERROR_CODE: u32 = 1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21;

/// Vectors that can strike in ring 0 while the GS base is still, or again, the program's.
const PARANOID: u32 = 1 << vector::DEBUG | 1 << vector::DOUBLE_FAULT | 1 << vector::MACHINE_CHECK;

/// How many NMIs there were.
pub(super) static NMI_COUNT: AtomicU64 = AtomicU64::new(0);

/// The addresses the gates must hold, by vector.
pub(super) fn table() -> &'static [u64; 256] {
    // SAFETY: the assembler below writes 256 addresses, and nothing changes them.
    unsafe { &vector_table }
}

unsafe extern "C" {
    static vector_table: [u64; 256];
}

// One CFI procedure with 256 ways in: at each the CFA is back just above what the CPU pushed.
global_asm!(
    ".pushsection .text.vectors, \"ax\", @progbits",
    ".cfi_startproc simple",
    ".cfi_signal_frame",
    ".cfi_def_cfa rsp, 40",
    ".cfi_offset rip, -40",
    ".cfi_offset cs, -32",
    ".cfi_offset rflags, -24",
    ".cfi_offset rsp, -16",
    ".cfi_offset ss, -8",

    ".macro vector_stub number, name",
    ".globl \\name",
    ".type \\name, @function",
    "\\name:",
    ".if \\number == {nmi}",
    "    .cfi_def_cfa_offset 40",
    "    lock inc qword ptr [rip + {nmi_count}]",
    "    iretq",
    ".else",
    "    .set .Lbit, 0",
    "    .if \\number < 32",
    "        .set .Lbit, 1 << \\number",
    "    .endif",
    "    .if .Lbit & {with_error_code}",
    "        .cfi_def_cfa_offset 48",
    "    .else",
    "        .cfi_def_cfa_offset 40",
    "        push 0",
    "        .cfi_adjust_cfa_offset 8",
    "    .endif",
    "    push \\number",
    "    .cfi_adjust_cfa_offset 8",
    "    .if .Lbit & {paranoid}",
    "        jmp {trap_paranoid}",
    "    .else",
    "        jmp {trap_common}",
    "    .endif",
    ".endif",
    ".size \\name, . - \\name",
    ".endm",

    ".irp high, 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f",
    ".irp low, 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f",
    "vector_stub 0x\\high\\low, vector_\\high\\low",
    ".endr",
    ".endr",
    ".cfi_endproc",
    ".popsection",

    // Addresses: relocated when a host test is loaded, constant in the kernel.
    ".pushsection .data.rel.ro.vectors, \"aw\", @progbits",
    ".balign 8",
    ".globl vector_table",
    ".type vector_table, @object",
    "vector_table:",
    ".irp high, 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f",
    ".irp low, 0,1,2,3,4,5,6,7,8,9,a,b,c,d,e,f",
    ".quad vector_\\high\\low",
    ".endr",
    ".endr",
    ".size vector_table, . - vector_table",
    ".popsection",

    nmi = const vector::NMI,
    nmi_count = sym NMI_COUNT,
    with_error_code = const WITH_ERROR_CODE,
    paranoid = const PARANOID,
    trap_common = sym entry::trap_common,
    trap_paranoid = sym paranoid::trap_paranoid,
);

#[cfg(test)]
mod tests {
    use super::*;

    fn stub(vector: u64) -> u64 {
        table()[vector as usize]
    }

    /// The first bytes of a stub.
    fn code(vector: u64) -> [u8; 16] {
        // SAFETY: a stub and what follows it are readable code of more than 16 bytes.
        unsafe { (stub(vector) as *const [u8; 16]).read() }
    }

    /// Reads `push imm`: the value and its length.
    fn push(code: &[u8]) -> (u64, usize) {
        match code[0] {
            0x6a => (i64::from(code[1].cast_signed()).cast_unsigned(), 2),
            0x68 => (u64::from(u32::from_le_bytes([code[1], code[2], code[3], code[4]])), 5),
            other => panic!("not a push: {other:#x}"),
        }
    }

    fn pushes_its_own_error_code(vector: u64) -> bool {
        matches!(vector, 8 | 10..=14 | 17 | 21)
    }

    #[test]
    fn every_stub_pushes_an_error_word_unless_the_cpu_did_then_its_vector() {
        for vector in (0..256).filter(|&v| v != vector::NMI) {
            let code = code(vector);
            let mut at = 0;
            if !pushes_its_own_error_code(vector) {
                let (error, length) = push(&code);
                assert_eq!(error, 0, "vector {vector}");
                at += length;
            }
            let (pushed, length) = push(&code[at..]);
            assert_eq!(pushed, vector);
            assert!(matches!(code[at + length], 0xe9 | 0xeb), "a jump follows");
        }
    }

    #[test]
    fn the_nmi_stub_counts_and_returns() {
        const LOCK_INC_RIP: [u8; 4] = [0xf0, 0x48, 0xff, 0x05];
        const IRETQ: [u8; 2] = [0x48, 0xcf];
        let code = code(vector::NMI);
        assert_eq!(code[..4], LOCK_INC_RIP);
        assert_eq!(code[8..10], IRETQ);
    }

    #[test]
    fn debug_double_fault_and_machine_check_take_the_paranoid_way() {
        let target = |vector| {
            let jump = code(vector);
            let at = if pushes_its_own_error_code(vector) { 2 } else { 4 };
            assert_eq!(jump[at], 0xe9);
            let distance = i32::from_le_bytes(core::array::from_fn(|i| jump[at + 1 + i]));
            (stub(vector) + at as u64 + 5).wrapping_add_signed(i64::from(distance))
        };
        let paranoid = paranoid::trap_paranoid as *const () as u64;
        let common = entry::trap_common as *const () as u64;
        assert!([1, 8, 18].iter().all(|&v| target(v) == paranoid));
        assert!([0, 3, 6, 13, 14, 17, 32].iter().all(|&v| target(v) == common));
    }
}
