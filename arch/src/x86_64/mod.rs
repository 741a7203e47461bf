//! The x86-64 machine. Read `frame`, `entry`, `switch` first: what a program's registers look
//! like in the kernel, how they get there and back, and how one kernel stack gives way to another.
//!
//! Who may call: the kernel calls [`init`] once on each CPU, then [`selftest::run`]; after that
//! only the functions of the public modules.

#[macro_use]
mod push;

pub mod acpi;
pub mod apic;
pub mod backtrace;
pub mod calibrate;
pub mod clock;
mod control;
pub mod cpu;
pub mod cpuid;
mod entry;
pub mod fpu;
pub mod frame;
mod gdt;
mod idt;
pub mod ioapic;
pub mod irq;
mod ist;
pub mod keyboard;
pub mod mmio;
mod msr;
pub mod paging;
mod paranoid;
mod percpu;
pub mod pic;
pub mod ports;
pub mod qemu;
pub mod reference;
mod segments;
pub mod selftest;
pub mod serial;
mod stubs;
pub mod switch;
mod syscall_msr;
pub mod timer;
pub mod vector;

pub use frame::TrapFrame;
pub use ist::guard_pages as ist_guard_pages;
pub use switch::{TaskContext, switch};

use control::Control;
use cpuid::Features;

/// The kernel's answer to everything that interrupts a program: the one way control flows up.
pub trait TrapHandler {
    /// Handles one system call. It may switch to another task, and returns when this one runs again;
    /// what it leaves in `frame` is what the program continues with.
    extern "C" fn syscall(frame: &mut TrapFrame);

    /// Handles one exception or interrupt. As [`syscall`](Self::syscall), but that it may switch only
    /// if the frame came from ring 3 or the idle task.
    ///
    /// `frame.vector` tells the kind. A #DF, and a #DB or #MC from ring 0, arrives on a stack of
    /// its own and must not switch: the stack would be used again under it. A #DF is the end, even
    /// from ring 3: the kernel's own stack failed. An NMI never arrives here (`irq::nmi_count`).
    extern "C" fn trap(frame: &mut TrapFrame);
}

/// Takes this CPU from whatever the boot loader left into the state the kernel's rules need.
///
/// # Safety
/// Call once on each CPU, in ring 0 with interrupts off, before any task exists. The kernel must
/// be linked in the upper half and wholly mapped by the page tables in force.
pub unsafe fn init<H: TrapHandler>(features: &Features) {
    // SAFETY: called once, interrupts off (caller): nothing reads PerCpu yet.
    unsafe { percpu::init(H::syscall, H::trap) };
    // SAFETY: the TSS inside PerCpu is initialised and stays where it is.
    unsafe { gdt::load() };
    // SAFETY: the selectors the gates name are those of the GDT just loaded.
    unsafe { idt::load() };
    // SAFETY: the segment registers hold their final values, so none clears the base later.
    unsafe { percpu::load() };
    // SAFETY: ring 0, before any task exists (caller).
    unsafe { Control::wanted(features).load() };
    // SAFETY: GDT, GS base and `entry` are ready for a `syscall`.
    unsafe { syscall_msr::load() };
    // SAFETY: CR4.OSXSAVE has just been set iff the CPU has XSAVE; no task has an image yet.
    unsafe { fpu::init(features) };
}
