//! The half of the kernel that touches the machine.
//!
//! This file is the fixed list of names every architecture exports; `cfg` picks one
//! implementation. Nothing here decides anything: the portable half does, and the kernel lays
//! one across the other. Control flows up in one place only, [`TrapHandler`].
#![no_std]
#![cfg_attr(
    test,
    expect(
        clippy::cast_possible_truncation,
        reason = "test numbers are small, and usize has 64 bits"
    )
)]

#[cfg(test)]
extern crate std;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("Orbital runs on x86-64");

#[cfg(target_arch = "x86_64")]
mod x86_64;

pub use self::x86_64::TaskContext;
pub use self::x86_64::TrapFrame;
pub use self::x86_64::TrapHandler;
pub use self::x86_64::acpi;
pub use self::x86_64::apic;
pub use self::x86_64::backtrace;
pub use self::x86_64::calibrate;
pub use self::x86_64::clock;
pub use self::x86_64::cpu;
pub use self::x86_64::cpuid;
pub use self::x86_64::fpu;
pub use self::x86_64::frame;
pub use self::x86_64::init;
pub use self::x86_64::ioapic;
pub use self::x86_64::irq;
pub use self::x86_64::ist_guard_pages;
pub use self::x86_64::keyboard;
pub use self::x86_64::mmio;
pub use self::x86_64::paging;
pub use self::x86_64::pic;
pub use self::x86_64::ports;
pub use self::x86_64::qemu;
pub use self::x86_64::reference;
pub use self::x86_64::selftest;
pub use self::x86_64::serial;
pub use self::x86_64::switch;
pub use self::x86_64::timer;
pub use self::x86_64::vector;
