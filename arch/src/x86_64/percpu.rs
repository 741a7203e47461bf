//! [`PerCpu`]: what the kernel must reach on any entry, before it has a stack of its own.
//!
//! The GS base points here while the kernel runs (`entry` swaps it in and out), so a second CPU
//! changes nothing but the address. The TSS is part of it: the stack an interrupt starts on and
//! the one a system call starts on are the same, and so is the word that says where it ends. A
//! task's context lies right there, so that the same word says who runs.
//! Only `entry`, `switch` and the set-up code use this file.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;

use x86_64::structures::tss::TaskStateSegment;

use super::frame::TrapFrame;
use super::{ist, msr};

/// What an entry calls.
type Handler = extern "C" fn(&mut TrapFrame);

/// The words of one CPU.
#[repr(C, align(64))]
pub(super) struct PerCpu {
    /// `TrapHandler::syscall` of the kernel.
    syscall: Option<Handler>,
    /// `TrapHandler::trap` of the kernel.
    trap: Option<Handler>,
    /// The program's RFLAGS for the few instructions between `syscall` and the push.
    scratch: u64,
    /// RSP0 lies 4 bytes into the TSS (SDM vol. 3A, figure 8-11): so it is aligned.
    _padding: u32,
    /// `privilege_stack_table[0]` (RSP0) is the top of the running task's kernel stack.
    tss: TaskStateSegment,
}

/// Offset from the GS base: the function that `syscall_entry` calls.
pub(super) const SYSCALL: usize = offset_of!(PerCpu, syscall);
/// Offset from the GS base: the function that every other entry calls.
pub(super) const TRAP: usize = offset_of!(PerCpu, trap);
/// Offset from the GS base: a free word for `syscall_entry`.
pub(super) const SCRATCH: usize = offset_of!(PerCpu, scratch);
/// Offset from the GS base: top of the running task's kernel stack, TSS.RSP0.
pub(super) const KERNEL_STACK_TOP: usize =
    offset_of!(PerCpu, tss) + offset_of!(TaskStateSegment, privilege_stack_table);

const _: () = assert!(
    KERNEL_STACK_TOP.is_multiple_of(8) && KERNEL_STACK_TOP < 64,
    "every system call reads it: aligned, and in the cache line of the other words"
);

struct Cell(UnsafeCell<PerCpu>);

// SAFETY: one CPU, interrupts off in the kernel: no two accesses overlap.
unsafe impl Sync for Cell {}

#[unsafe(link_section = ".data.hot")]
static PER_CPU: Cell = Cell(UnsafeCell::new(PerCpu {
    syscall: None,
    trap: None,
    scratch: 0,
    _padding: 0,
    tss: TaskStateSegment::new(),
}));

/// Fills in what the entry routines need.
///
/// # Safety
/// Call once, before the IDT, the TSS or the GS base lead here.
pub(super) unsafe fn init(syscall: Handler, trap: Handler) {
    // SAFETY: nothing else uses the cell yet (caller).
    let this = unsafe { &mut *PER_CPU.0.get() };
    this.syscall = Some(syscall);
    this.trap = Some(trap);
    this.tss.interrupt_stack_table = ist::table();
}

/// Points the GS base here, and the bases ring 3 sees at 0.
///
/// The GS base of ring 3 stays 0 for good, and no switch has to move it: CR4.FSGSBASE is off and
/// every descriptor a program can load has base 0.
///
/// # Safety
/// After [`init`], with the segment registers in their final state: loading one clears its base.
pub(super) unsafe fn load() {
    // SAFETY: the address of a static, in the upper half: canonical.
    unsafe { msr::write(msr::GS_BASE, address()) };
    // SAFETY: 0 is canonical; the kernel uses neither base.
    unsafe { msr::write(msr::KERNEL_GS_BASE, 0) };
    // SAFETY: as above.
    unsafe { msr::write(msr::FS_BASE, 0) };
}

/// The address the GS base must have in the kernel.
pub(super) fn address() -> u64 {
    PER_CPU.0.get().addr() as u64
}

/// The TSS of this CPU.
pub(super) fn tss() -> *const TaskStateSegment {
    // SAFETY: the offset stays inside the cell.
    unsafe { &raw const (*PER_CPU.0.get()).tss }
}

/// Sets where the next entry from ring 3 puts its frame. (`switch` writes the word itself.)
///
/// # Safety
/// [`load`] has run. `top` is the upper end of the kernel stack of the task about to run,
/// a multiple of 16.
pub(super) unsafe fn set_kernel_stack_top(top: *mut u8) {
    // SAFETY: one store to a word of PerCpu that only entries from ring 3 read.
    unsafe {
        asm!("mov gs:[{at}], {top}", at = const KERNEL_STACK_TOP, top = in(reg) top,
             options(nostack, preserves_flags));
    }
}

/// Where the next entry from ring 3 would put its frame.
#[inline]
pub(super) fn kernel_stack_top() -> *mut u8 {
    let top;
    // SAFETY: one load from PerCpu, which the GS base points at all the time the kernel runs Rust.
    unsafe {
        asm!("mov {top}, gs:[{at}]", at = const KERNEL_STACK_TOP, top = out(reg) top,
             options(nostack, preserves_flags, readonly));
    }
    top
}

/// The address of that word, for debuggers.
pub(super) fn kernel_stack_top_address() -> usize {
    PER_CPU.0.get().addr() + KERNEL_STACK_TOP
}
