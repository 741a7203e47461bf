//! Model-specific registers by name (SDM vol. 4), and the two instructions that reach them.

use x86_64::registers::model_specific::Msr;

pub(super) const SYSENTER_CS: u32 = 0x174;
pub(super) const EFER: u32 = 0xc000_0080;
pub(super) const STAR: u32 = 0xc000_0081;
pub(super) const LSTAR: u32 = 0xc000_0082;
pub(super) const CSTAR: u32 = 0xc000_0083;
pub(super) const FMASK: u32 = 0xc000_0084;
pub(super) const FS_BASE: u32 = 0xc000_0100;
pub(super) const GS_BASE: u32 = 0xc000_0101;
pub(super) const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// Reads a register every x86-64 CPU has.
///
/// # Safety
/// Ring 0, and the CPU has the register.
pub(super) unsafe fn read(register: u32) -> u64 {
    // SAFETY: passed on to the caller.
    unsafe { Msr::new(register).read() }
}

/// Writes a register every x86-64 CPU has.
///
/// # Safety
/// Ring 0, the CPU has the register, and the kernel can live with the value.
pub(super) unsafe fn write(register: u32, value: u64) {
    // SAFETY: passed on to the caller.
    unsafe { Msr::new(register).write(value) }
}
