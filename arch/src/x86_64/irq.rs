//! Interrupts: off in all of the kernel but the idle task's [`wait_for_interrupt`].
//!
//! [`IrqGuard`] is for code that also runs before that rule holds, or under a debugger.

use core::arch::{asm, naked_asm};
use core::marker::PhantomData;
use core::sync::atomic::Ordering;

use x86_64::instructions::interrupts;

use super::stubs::NMI_COUNT;

/// Lets interrupts in.
///
/// # Safety
/// The IDT is in place and whoever handles an interrupt can cope with what is going on here.
pub unsafe fn enable() {
    interrupts::enable();
}

/// Keeps interrupts out.
pub fn disable() {
    interrupts::disable();
}

/// Whether an interrupt could come now.
#[must_use]
pub fn enabled() -> bool {
    const INTERRUPT_FLAG: u64 = 1 << 9;
    read_rflags() & INTERRUPT_FLAG != 0
}

/// RFLAGS. A function of its own, as `pushfq` moves rsp: in the middle of one that Rust compiles,
/// the CFI would be wrong for an instruction, and with it every backtrace from there.
#[unsafe(naked)]
#[unsafe(export_name = "read_rflags")]
extern "C" fn read_rflags() -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "pushfq",
        ".cfi_adjust_cfa_offset 8",
        "pop rax",
        ".cfi_adjust_cfa_offset -8",
        "ret",
        ".cfi_endproc",
    )
}

/// Halts until an interrupt has been handled; called and left with interrupts off.
///
/// `sti` takes effect after the next instruction (SDM vol. 2B), so that an interrupt that is
/// already pending ends the `hlt`: check for work with interrupts off, then call this, and no
/// wake-up is lost.
pub fn wait_for_interrupt() {
    // SAFETY: the handler finds the idle task, which holds nothing; no `nomem`, as it may write.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// How many NMIs there were. They are counted and nothing else.
#[must_use]
pub fn nmi_count() -> u64 {
    NMI_COUNT.load(Ordering::Relaxed)
}

/// Interrupts are off while it lives; then as they were before.
#[derive(Debug)]
pub struct IrqGuard {
    were_enabled: bool,
    /// Not `Send`: it speaks of the CPU it was made on.
    _cpu: PhantomData<*const ()>,
}

impl IrqGuard {
    /// Turns interrupts off.
    #[must_use]
    pub fn new() -> Self {
        let were_enabled = enabled();
        disable();
        Self { were_enabled, _cpu: PhantomData }
    }
}

impl Default for IrqGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for IrqGuard {
    fn drop(&mut self) {
        if self.were_enabled {
            interrupts::enable();
        }
    }
}
