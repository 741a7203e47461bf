//! What a program sees of segmentation: the selectors in DS, ES, FS and GS, which it may load,
//! and the base of FS, where its thread-local storage is. Each task has its own.
//!
//! Programs leave the selectors null, and most have no thread-local storage: nearly always the
//! check on a switch is all there is. The base of GS is 0 for all programs: CR4.FSGSBASE is off,
//! and every segment they can load has base 0. Only `switch` uses this file.

use core::arch::asm;
use core::mem::offset_of;

use super::msr;
use super::switch::TaskContext;

/// DS, ES, FS and GS of a task that does not run.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Selectors {
    ds: u16,
    es: u16,
    fs: u16,
    gs: u16,
}

const _: () = assert!(size_of::<Selectors>() == size_of::<u64>(), "one word to look at");

impl Selectors {
    /// What a new task has.
    pub(super) const NULL: Self = Self { ds: 0, es: 0, fs: 0, gs: 0 };

    fn word(self) -> u64 {
        // SAFETY: four u16 without padding, as large as the word.
        unsafe { core::mem::transmute(self) }
    }
}

/// Saves the selectors of the outgoing task; goes on to [`load`] if either task has any that is
/// not 0, or a base that the other must not see.
///
/// # Safety
/// Interrupts are off; `outgoing` is the context of the running task, `incoming` a suspended one.
#[inline(always)]
pub(super) unsafe fn exchange(outgoing: &mut TaskContext, incoming: &TaskContext) {
    // SAFETY: a store of a segment register is an ordinary store of 16 bits.
    unsafe {
        asm!(
            "mov word ptr [{to} + {ds}], ds",
            "mov word ptr [{to} + {es}], es",
            "mov word ptr [{to} + {fs}], fs",
            "mov word ptr [{to} + {gs}], gs",
            ds = const offset_of!(TaskContext, selectors.ds),
            es = const offset_of!(TaskContext, selectors.es),
            fs = const offset_of!(TaskContext, selectors.fs),
            gs = const offset_of!(TaskContext, selectors.gs),
            to = in(reg) &raw mut *outgoing,
            options(nostack, preserves_flags),
        );
    }
    let selectors = outgoing.selectors.word() | incoming.selectors.word();
    if selectors | outgoing.fs_base | incoming.fs_base != 0 {
        // SAFETY: passed on to the caller.
        unsafe { load(outgoing, incoming) };
    }
}

/// Loads all of it. Selectors first: a selector that is not null clears the base, so a program
/// can lose its own, and what it has now is asked of the CPU. GS is loaded while the program's
/// base is the active one, so that the kernel's survives.
///
/// # Safety
/// As [`exchange`]: the CPU accepted each selector before, and the GDT does not change.
#[cold]
#[inline(never)]
unsafe fn load(outgoing: &mut TaskContext, incoming: &TaskContext) {
    let Selectors { ds, es, fs, gs } = incoming.selectors;
    // SAFETY: every x86-64 CPU has the register.
    outgoing.fs_base = unsafe { msr::read(msr::FS_BASE) };
    // SAFETY: ring-3 data or code, or null (caller); the kernel addresses nothing through these.
    unsafe {
        asm!(
            "mov ds, {ds:x}",
            "mov es, {es:x}",
            "mov fs, {fs:x}",
            ds = in(reg) ds,
            es = in(reg) es,
            fs = in(reg) fs,
            options(nostack, preserves_flags),
        );
    }
    // SAFETY: as above. Nothing but #DB, NMI, #DF, #MC can come between the two `swapgs`, and
    // those cope with either base.
    unsafe {
        asm!("swapgs", "mov gs, {gs:x}", "swapgs", gs = in(reg) gs,
             options(nostack, preserves_flags));
    }
    // SAFETY: canonical, as the kernel's loader made it or the CPU held it.
    unsafe { msr::write(msr::FS_BASE, incoming.fs_base) };
}
