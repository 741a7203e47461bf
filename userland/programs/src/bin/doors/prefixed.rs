//! `syscall` with prefixes before it, up to the 15 bytes an instruction may have: the kernel must
//! return behind it, and knows where only from what the CPU says.

use core::arch::naked_asm;

use ulib::abi::Sysno;
use ulib::{process, task_entry};

use crate::{GENERAL_PROTECTION, INVALID_OPCODE, Tally, ending_of};

/// What a call comes back with.
#[repr(C)]
struct Returned {
    result: u64,
    /// How far behind the instruction the kernel said it was: 0.
    beside: u64,
}

/// Makes a function `getpid` of each list of prefixes.
macro_rules! calls {
    ($($name:ident: $prefixes:literal;)+) => {
        $(
            #[unsafe(naked)]
            extern "C" fn $name() -> Returned {
                naked_asm!(
                    ".cfi_startproc",
                    "mov eax, {getpid}",
                    $prefixes,
                    "syscall",
                    "2:",
                    "lea rdx, [rip + 2b]",
                    "sub rdx, rcx",
                    "ret",
                    ".cfi_endproc",
                    getpid = const Sysno::Getpid as u64,
                )
            }
        )+
        const CALLS: &[extern "C" fn() -> Returned] = &[$($name),+];
    };
}

calls! {
    plain: "";
    operand_size: ".byte 0x66";
    address_size: ".byte 0x67";
    repne: ".byte 0xf2";
    rep: ".byte 0xf3";
    cs_segment: ".byte 0x2e";
    fs_segment: ".byte 0x64";
    gs_segment: ".byte 0x65";
    rex: ".byte 0x40";
    rex_w: ".byte 0x48";
    rex_all: ".byte 0x4f";
    lock: ".byte 0xf0";
    thirteen: ".rept 13\n.byte 0x66\n.endr";
    fourteen: ".rept 14\n.byte 0x2e\n.endr";
}

/// The only one of them that no CPU may refuse.
const PLAIN: usize = 0;

/// What a task returns whose call came back right, and wrong.
const RIGHT: i64 = 0;
const WRONG: i64 = 1;

pub(crate) fn try_all(tally: &mut Tally) {
    for index in 0..CALLS.len() {
        let got = ending_of(task_entry!(call), index as u64);
        let refused = index != PLAIN && [INVALID_OPCODE, GENERAL_PROTECTION].contains(&got);
        tally.count(got == RIGHT || refused, "syscall with prefix", index as u64, got);
    }
}

fn call(index: u64) -> i64 {
    let call = usize::try_from(index).ok().and_then(|index| CALLS.get(index));
    let Some(Returned { result, beside }) = call.map(|call| call()) else {
        return WRONG;
    };
    if result == process::getpid() && beside == 0 { RIGHT } else { WRONG }
}
