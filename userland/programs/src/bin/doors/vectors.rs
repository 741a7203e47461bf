//! `int n` for every n: only the breakpoint has a gate for programs.

use core::arch::naked_asm;

use ulib::abi::records::CODE_FAULTED;
use ulib::task_entry;

use crate::{GENERAL_PROTECTION, Tally, ending_of};

const BREAKPOINT: u64 = 3;
const BREAKPOINT_FAULT: i64 = CODE_FAULTED + 3;

/// Bytes of an entry of [`table`].
const ENTRY: u64 = 4;

pub(crate) fn try_all(tally: &mut Tally) {
    for vector in 0..256 {
        let want = if vector == BREAKPOINT { BREAKPOINT_FAULT } else { GENERAL_PROTECTION };
        let got = ending_of(task_entry!(interrupt), vector);
        tally.count(got == want, "int", vector, got);
    }
}

fn interrupt(vector: u64) -> i64 {
    let table = table as *const ();
    let entry = table.wrapping_byte_add(usize::try_from(vector * ENTRY).unwrap_or(0));
    // SAFETY: the table has an entry for each of the 256 vectors, each a function.
    let entry = unsafe { core::mem::transmute::<*const (), extern "C" fn()>(entry) };
    entry();
    0
}

/// `int n; ret; nop` for every n. As bytes: an assembler would make a shorter instruction of
/// `int 3`.
#[unsafe(naked)]
extern "C" fn table() {
    naked_asm!(
        ".cfi_startproc",
        ".set .Lvector, 0",
        ".rept 256",
        ".byte 0xcd, .Lvector, 0xc3, 0x90",
        ".set .Lvector, .Lvector + 1",
        ".endr",
        ".cfi_endproc",
    )
}
