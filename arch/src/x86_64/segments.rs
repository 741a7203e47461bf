//! What a program sees of segmentation: the selectors in DS, ES, FS and GS, which it may load,
//! and the base of FS, where its thread-local storage is. Each task has its own.
//!
//! Programs leave the selectors null, and most have no thread-local storage: nearly always the
//! check in `switch_context` is all there is. The base of GS is 0 for all programs: CR4.FSGSBASE is off,
//! and every segment they can load has base 0. Only `switch` uses this file.

use core::arch::asm;
use core::mem::offset_of;

use super::msr;

/// DS, ES, FS and GS of a task that does not run.
#[repr(C, align(8))]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Selectors {
    ds: u16,
    es: u16,
    fs: u16,
    gs: u16,
}

const _: () = assert!(size_of::<Selectors>() == size_of::<u64>(), "one word to look at");

/// Where each lies, for the stores of `switch_context`.
pub(super) const DS: usize = offset_of!(Selectors, ds);
/// As [`DS`].
pub(super) const ES: usize = offset_of!(Selectors, es);
/// As [`DS`].
pub(super) const FS: usize = offset_of!(Selectors, fs);
/// As [`DS`].
pub(super) const GS: usize = offset_of!(Selectors, gs);

impl Selectors {
    /// What a new task has.
    pub(super) const NULL: Self = Self { ds: 0, es: 0, fs: 0, gs: 0 };

    /// Whether there is nothing to load.
    pub(super) fn are_null(self) -> bool {
        matches!(self, Self::NULL)
    }
}

/// Loads these and the base of FS; the base there was. Selectors first: a selector that is not null
/// clears the base, so a program can lose its own, and what it has now is asked of the CPU. GS is
/// loaded while the program's base is the active one, so that the kernel's survives.
///
/// # Safety
/// Interrupts are off, and no program needs what is there now. The CPU accepted each selector before,
/// and the GDT does not change; `fs_base` is canonical.
pub(super) unsafe fn exchange(selectors: Selectors, fs_base: u64) -> u64 {
    let Selectors { ds, es, fs, gs } = selectors;
    // SAFETY: every x86-64 CPU has the register.
    let previous = unsafe { msr::read(msr::FS_BASE) };
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
    // SAFETY: canonical (caller).
    unsafe { msr::write(msr::FS_BASE, fs_base) };
    previous
}
