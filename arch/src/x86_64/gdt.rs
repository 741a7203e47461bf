//! The global descriptor table: two kernel segments, two of ring 3, the TSS, and nothing else.
//!
//! There is no 32-bit user code, so nothing runs in compatibility mode; the order of the user
//! segments is what `sysretq` wants (STAR, SDM vol. 3A, 5.8.8). The LDT is empty.

use core::arch::asm;
use core::cell::UnsafeCell;

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables;
use x86_64::structures::DescriptorTablePointer;
use x86_64::structures::gdt::{Descriptor, DescriptorFlags, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;

use super::frame::{USER_CODE_SELECTOR, USER_DATA_SELECTOR};
use super::percpu;

/// Selector of ring-0 code.
pub(super) const KERNEL_CODE: u16 = 0x08;
/// Selector of ring-0 data, for SS alone.
pub(super) const KERNEL_DATA: u16 = 0x10;
/// Selector of the TSS, which takes two slots.
pub(super) const TSS: u16 = 0x28;

const SLOTS: usize = 7;
const _: () = assert!(TSS as usize == (SLOTS - 2) * 8, "the TSS ends the table");
const _: () = assert!(USER_DATA_SELECTOR == (3 * 8) | 3 && USER_CODE_SELECTOR == (4 * 8) | 3);

/// Offset of the last byte, as the CPU wants it.
const LIMIT: u16 = TSS + 2 * 8 - 1;
const _: () = assert!(LIMIT as usize + 1 == size_of::<Gdt>());

struct Gdt(UnsafeCell<[u64; SLOTS]>);

// SAFETY: written once at boot; after that only the CPU uses it.
unsafe impl Sync for Gdt {}

static GDT: Gdt = Gdt(UnsafeCell::new([0; SLOTS]));

/// Loads GDT, segment registers, TSS and an empty LDT.
///
/// # Safety
/// Call once in ring 0, with interrupts off, after `percpu::init`. Clears the FS and GS bases.
pub(super) unsafe fn load() {
    let null = SegmentSelector(0);
    // SAFETY: no GDT of ours is loaded yet (caller).
    unsafe { *GDT.0.get() = table(percpu::tss()) };
    // SAFETY: the table lives as long as the kernel.
    unsafe { tables::lgdt(&pointer()) };
    // SAFETY: slot 1 is 64-bit code of ring 0.
    unsafe { CS::set_reg(SegmentSelector(KERNEL_CODE)) };
    // SAFETY: slot 2 is writable data of ring 0.
    unsafe { SS::set_reg(SegmentSelector(KERNEL_DATA)) };
    // SAFETY: 64-bit mode does not use DS; null is what a new program must find.
    unsafe { DS::set_reg(null) };
    // SAFETY: as DS.
    unsafe { ES::set_reg(null) };
    // SAFETY: nothing is addressed through FS.
    unsafe { FS::set_reg(null) };
    // SAFETY: nothing is addressed through GS before `percpu::load`.
    unsafe { GS::set_reg(null) };
    // SAFETY: slots 5 and 6 describe the TSS of this CPU, not loaded before.
    unsafe { tables::load_tss(SegmentSelector(TSS)) };
    // SAFETY: LDTR comes out of reset with base 0, limit 0xffff, present: a selector with TI=1
    // would read descriptors from linear address 0. Null makes each of them a #GP.
    unsafe { asm!("lldt {0:x}", in(reg) 0u16, options(nostack, preserves_flags)) };
}

/// What `sgdt` must answer.
pub(super) fn pointer() -> DescriptorTablePointer {
    DescriptorTablePointer { limit: LIMIT, base: VirtAddr::from_ptr(GDT.0.get()) }
}

fn table(tss: *const TaskStateSegment) -> [u64; SLOTS] {
    // SAFETY: `tss` is in a static.
    let (low, high) = match unsafe { Descriptor::tss_segment_unchecked(tss) } {
        Descriptor::SystemSegment(low, high) => (low, high),
        Descriptor::UserSegment(low) => (low, 0),
    };
    [
        0,
        DescriptorFlags::KERNEL_CODE64.bits(),
        DescriptorFlags::KERNEL_DATA.bits(),
        DescriptorFlags::USER_DATA.bits(),
        DescriptorFlags::USER_CODE64.bits(),
        low,
        high,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_have_the_bits_of_the_manual() {
        let slots = table(percpu::tss());
        let segments = [
            0,
            0x00af_9b00_0000_ffff,
            0x00cf_9300_0000_ffff,
            0x00cf_f300_0000_ffff,
            0x00af_fb00_0000_ffff,
        ];
        assert_eq!(slots[..5], segments);
        let [low, high] = [slots[5], slots[6]];
        assert_eq!(low & 0x00ff_ff00_0000_ffff, 0x0000_8900_0000_0067);
        let base = high << 32 | low >> 56 << 24 | low >> 16 & 0xff_ffff;
        assert_eq!(base, percpu::tss() as u64);
    }

    #[test]
    fn the_io_bitmap_lies_outside_the_tss() {
        // No port is open to ring 3 (SDM vol. 1, 19.5.2).
        let limit = table(percpu::tss())[5] & 0xffff;
        assert!(u64::from(TaskStateSegment::new().iomap_base) > limit);
    }

    #[test]
    fn the_limit_covers_seven_slots() {
        assert_eq!(pointer().limit, 7 * 8 - 1);
    }
}
