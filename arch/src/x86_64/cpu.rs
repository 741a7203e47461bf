//! Single instructions the kernel needs by name, and the end of everything.

use core::arch::asm;

use x86_64::VirtAddr;
use x86_64::instructions::{hlt, interrupts, tlb};
use x86_64::registers::control::Cr2;

/// Stops this CPU for good.
pub fn halt_forever() -> ! {
    loop {
        interrupts::disable();
        hlt();
    }
}

/// The address the last page fault was about.
#[must_use]
pub fn read_cr2() -> u64 {
    Cr2::read_raw()
}

/// Physical address of the page tables in force (the low 12 bits are 0: no PCID, no cache flags).
#[must_use]
pub fn read_cr3() -> u64 {
    let value: u64;
    // SAFETY: reading CR3 changes nothing.
    unsafe { asm!("mov {}, cr3", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// Puts page tables in force, and forgets every cached translation.
///
/// # Safety
/// `pml4` is the physical address of a table that maps the kernel as the present one does. The
/// running task's context must say so too, or the next switch will not know.
pub unsafe fn load_cr3(pml4: u64) {
    // SAFETY: passed on to the caller.
    unsafe { asm!("mov cr3, {}", in(reg) pml4, options(nostack, preserves_flags)) };
}

/// Forgets the cached translation of one page, in the page tables in force.
pub fn invlpg(page: VirtAddr) {
    tlb::flush(page);
}

/// The stack pointer of the caller.
#[inline(always)]
#[must_use]
pub fn stack_pointer() -> u64 {
    let value: u64;
    // SAFETY: a copy of a register.
    unsafe { asm!("mov {}, rsp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The frame pointer of the caller; means something in builds with frame pointers.
#[inline(always)]
#[must_use]
pub fn frame_pointer() -> u64 {
    let value: u64;
    // SAFETY: a copy of a register.
    unsafe { asm!("mov {}, rbp", out(reg) value, options(nomem, nostack, preserves_flags)) };
    value
}
