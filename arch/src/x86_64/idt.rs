//! The interrupt descriptor table: one interrupt gate for each of the 256 vectors, each leading
//! to its stub in `stubs`.
//!
//! Interrupt gates, not trap gates: interrupts are off in ring 0. Only `int3` may be raised from
//! ring 3; any other `int n` there is a #GP.

use core::cell::UnsafeCell;

use x86_64::VirtAddr;
use x86_64::structures::DescriptorTablePointer;

use super::{gdt, ist, stubs, vector};

/// A 16-byte gate descriptor (SDM vol. 3A, 6.14.1), low half first.
type Gate = [u64; 2];

/// Offset of the last byte, as the CPU wants it.
const LIMIT: u16 = 256 * 16 - 1;
const _: () = assert!(LIMIT as usize + 1 == size_of::<Idt>());

struct Idt(UnsafeCell<[Gate; 256]>);

// SAFETY: written once at boot with interrupts off, then only read, by the CPU.
unsafe impl Sync for Idt {}

static IDT: Idt = Idt(UnsafeCell::new([[0; 2]; 256]));

/// Fills the table and points the CPU at it.
///
/// # Safety
/// Call with interrupts off, after `gdt::load`.
pub(super) unsafe fn load() {
    // SAFETY: interrupts are off and no IDT of ours is loaded yet (caller).
    let table = unsafe { &mut *IDT.0.get() };
    for (vector, (slot, stub)) in (0..).zip(table.iter_mut().zip(stubs::table())) {
        *slot = gate(vector, *stub);
    }
    // SAFETY: the table lives as long as the kernel and every gate is filled.
    unsafe { x86_64::instructions::tables::lidt(&pointer()) };
}

/// What `sidt` must answer.
pub(super) fn pointer() -> DescriptorTablePointer {
    DescriptorTablePointer { limit: LIMIT, base: VirtAddr::from_ptr(IDT.0.get()) }
}

/// The gate of one vector: present, interrupt gate, kernel code, DPL 3 for `int3` only.
fn gate(vector: u64, handler: u64) -> Gate {
    const PRESENT: u64 = 1 << 47;
    const INTERRUPT_GATE: u64 = 0xe << 40;
    const OFFSET_15_0: u64 = 0xffff;
    const OFFSET_31_16: u64 = 0xffff << 16;

    let dpl: u64 = if vector == vector::BREAKPOINT { 3 } else { 0 };
    let low = handler & OFFSET_15_0
        | u64::from(gdt::KERNEL_CODE) << 16
        | ist::index_of(vector) << 32
        | INTERRUPT_GATE
        | dpl << 45
        | PRESENT
        | (handler & OFFSET_31_16) << 32;
    [low, handler >> 32]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDLER: u64 = 0xffff_ffff_8012_3456;

    #[test]
    fn a_gate_has_the_bytes_of_the_manual() {
        let bytes = gate(0x20, HANDLER).map(u64::to_le_bytes);
        assert_eq!(bytes[0], [0x56, 0x34, 0x08, 0, 0, 0x8e, 0x12, 0x80]);
        assert_eq!(bytes[1], [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    }

    #[test]
    fn only_int3_may_be_raised_from_ring_3() {
        let dpl = |v| gate(v, HANDLER)[0] >> 45 & 3;
        assert!((0..256).all(|v| dpl(v) == if v == 3 { 3 } else { 0 }));
    }

    #[test]
    fn a_double_fault_gets_its_own_stack() {
        assert_eq!(gate(8, HANDLER)[0] >> 32 & 7, 3);
        assert_eq!(gate(14, HANDLER)[0] >> 32 & 7, 0);
    }
}
