//! The registers behind `syscall` and `sysret` (SDM vol. 3A, 5.8.8).
//!
//! `syscall` is the only call instruction that leads anywhere: `sysenter` is a #GP, `syscall`
//! from compatibility mode cannot happen (the GDT has no 32-bit code) and would stop there.

use super::{entry, gdt, msr};

/// RFLAGS bits the CPU clears at `syscall`: all but the reserved ones and VM, VIF, VIP. DF and AC
/// belong to the program, IF keeps interrupts off, TF must not single-step the kernel.
pub(super) const FMASK: u64 = 0x25_7fd5;

/// Bits 63:48: `sysretq` takes SS from here + 8 and CS from here + 16, with RPL 3.
/// Bits 47:32: `syscall` takes CS from here and SS from here + 8.
pub(super) const STAR: u64 = 0x13 << 48 | (gdt::KERNEL_CODE as u64) << 32;

/// SYSENTER_CS: a null selector makes `sysenter` a #GP.
pub(super) const SYSENTER_CS: u64 = 0;

/// Lets ring 3 call the kernel.
///
/// # Safety
/// The GDT and the GS base are in place and `entry` may be entered.
pub(super) unsafe fn load() {
    // SAFETY: selectors of the GDT in force.
    unsafe { msr::write(msr::STAR, STAR) };
    // SAFETY: `syscall_entry` is written to be entered by `syscall`.
    unsafe { msr::write(msr::LSTAR, lstar()) };
    // SAFETY: `syscall_from_compatibility_mode` needs nothing.
    unsafe { msr::write(msr::CSTAR, cstar()) };
    // SAFETY: any mask is valid.
    unsafe { msr::write(msr::FMASK, FMASK) };
    // SAFETY: the kernel does not use `sysenter`.
    unsafe { msr::write(msr::SYSENTER_CS, SYSENTER_CS) };
}

/// What LSTAR must hold.
pub(super) fn lstar() -> u64 {
    entry::syscall_entry as *const () as u64
}

/// What CSTAR must hold.
pub(super) fn cstar() -> u64 {
    entry::syscall_from_compatibility_mode as *const () as u64
}

#[cfg(test)]
mod tests {
    use super::super::frame;
    use super::*;

    #[test]
    fn star_leads_to_the_selectors_of_the_frame() {
        let sysret = STAR >> 48;
        assert_eq!((sysret + 8) | 3, frame::USER_DATA_SELECTOR);
        assert_eq!((sysret + 16) | 3, frame::USER_CODE_SELECTOR);
        let syscall = STAR >> 32 & 0xffff;
        assert_eq!(syscall, u64::from(gdt::KERNEL_CODE));
        assert_eq!(syscall + 8, u64::from(gdt::KERNEL_DATA));
        assert_eq!(STAR & 0xffff_ffff, 0);
    }

    #[test]
    fn no_flag_of_the_program_reaches_the_kernel() {
        // The program's own flags, and IF, IOPL, RF.
        assert_eq!(FMASK, frame::RFLAGS_USER | 0x200 | 0x3000 | 0x1_0000);
    }
}
