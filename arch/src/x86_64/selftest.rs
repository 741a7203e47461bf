//! The boot self test: reads back every register the kernel's rules depend on.
//!
//! Emulators hide mistakes here (QEMU's TCG clears DF at `syscall` whatever FMASK says), so no
//! test of behaviour can replace it. The kernel calls [`run`] after `init` and panics with the
//! [`Mismatch`].

use core::arch::asm;
use core::fmt;

use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables;
use x86_64::registers::xcontrol::XCr0;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::tss::TaskStateSegment;

use super::control::Control;
use super::cpuid::Features;
use super::{fpu, gdt, idt, irq, msr, percpu, syscall_msr};

/// A register that does not hold what it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which one.
    pub name: &'static str,
    /// What the kernel needs.
    pub expected: u64,
    /// What is there.
    pub found: u64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        write!(f, "{name} is {found:#x}, must be {expected:#x}")
    }
}

/// Compares this CPU with what `init` set up.
///
/// To be called in ring 0, after `init` with the same features.
///
/// # Errors
/// The first register that differs.
pub fn run(features: &Features) -> Result<(), Mismatch> {
    let (wanted, control) = (Control::wanted(features), Control::read());
    check("CR0", wanted.cr0, control.cr0)?;
    check("CR4", wanted.cr4, control.cr4)?;
    check("EFER", wanted.efer, control.efer)?;
    check("DR7", wanted.dr7, control.dr7)?;
    check("RFLAGS.IF", 0, u64::from(irq::enabled()))?;

    let registers = [
        ("STAR", msr::STAR, syscall_msr::STAR),
        ("LSTAR", msr::LSTAR, syscall_msr::lstar()),
        ("CSTAR", msr::CSTAR, syscall_msr::cstar()),
        ("FMASK", msr::FMASK, syscall_msr::FMASK),
        ("SYSENTER_CS", msr::SYSENTER_CS, syscall_msr::SYSENTER_CS),
        ("FS_BASE", msr::FS_BASE, 0),
        ("GS_BASE", msr::GS_BASE, percpu::address()),
        ("KERNEL_GS_BASE", msr::KERNEL_GS_BASE, 0),
    ];
    for (name, register, expected) in registers {
        // SAFETY: every x86-64 CPU has them, and reading changes nothing.
        check(name, expected, unsafe { msr::read(register) })?;
    }
    check("GS_BASE in the upper half", 1, percpu::address() >> 63)?;

    check_tables()?;
    check_segments()?;
    check_fpu(features)
}

fn check_tables() -> Result<(), Mismatch> {
    let compare = |base, limit, wanted: DescriptorTablePointer, found: DescriptorTablePointer| {
        check(base, wanted.base.as_u64(), found.base.as_u64())?;
        check(limit, u64::from(wanted.limit), u64::from(found.limit))
    };
    compare("GDTR.base", "GDTR.limit", gdt::pointer(), tables::sgdt())?;
    compare("IDTR.base", "IDTR.limit", idt::pointer(), tables::sidt())?;

    let (ldtr, task_register): (u64, u64);
    // SAFETY: both instructions copy a selector to a register.
    unsafe {
        asm!("sldt {0:r}", "str {1:r}", out(reg) ldtr, out(reg) task_register,
             options(nomem, nostack, preserves_flags));
    }
    check("LDTR", 0, ldtr)?;
    check("TR", u64::from(gdt::TSS), task_register)?;

    // SAFETY: the TSS is a static; `iomap_base` was written before boot and is never changed.
    let iomap_base = unsafe { (*percpu::tss()).iomap_base };
    let beyond_the_limit = size_of::<TaskStateSegment>() as u64;
    check("TSS.iomap_base", beyond_the_limit, u64::from(iomap_base))
}

fn check_segments() -> Result<(), Mismatch> {
    let selectors = [
        ("CS", CS::get_reg(), gdt::KERNEL_CODE),
        ("SS", SS::get_reg(), gdt::KERNEL_DATA),
        ("DS", DS::get_reg(), 0),
        ("ES", ES::get_reg(), 0),
        ("FS", FS::get_reg(), 0),
        ("GS", GS::get_reg(), 0),
    ];
    selectors
        .into_iter()
        .try_for_each(|(name, found, wanted)| check(name, u64::from(wanted), u64::from(found.0)))
}

fn check_fpu(features: &Features) -> Result<(), Mismatch> {
    let components = u64::from(fpu::state_components(features));
    check("use of FXSAVE", u64::from(!features.xsave), u64::from(fpu::is_legacy()))?;
    if features.xsave {
        check("XCR0", components, XCr0::read_raw())?;
    }
    let beyond = components & !u64::from(fpu::COMPONENTS);
    check("FPU state that no switch saves", 0, beyond)?;
    let too_large = fpu::image_size() > fpu::MAX_SIZE;
    check("FPU image larger than known", 0, u64::from(too_large))
}

fn check(name: &'static str, expected: u64, found: u64) -> Result<(), Mismatch> {
    if expected == found { Ok(()) } else { Err(Mismatch { name, expected, found }) }
}
