//! What the CPU has and the kernel has switched on, as ring 3 can see it.

use core::arch::asm;
use core::arch::x86_64::__cpuid;

/// XCR0 bits of the x87, SSE and AVX state (SDM volume 1, section 13.3).
pub const X87_SSE_AVX: u64 = 0b111;

/// The extended control register that says which vector state programs may use; `None` when the
/// CPU has no XSAVE or the kernel left it off.
#[must_use]
pub fn xcr0() -> Option<u64> {
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(1).ecx & OSXSAVE == 0 {
        return None;
    }
    let (low, high): (u32, u32);
    // SAFETY: with CPUID.1:ECX.OSXSAVE set, `xgetbv` of register 0 is an ordinary instruction.
    unsafe {
        asm!(
            "xgetbv",
            in("ecx") 0,
            out("eax") low,
            out("edx") high,
            options(nomem, nostack, preserves_flags),
        );
    }
    Some(u64::from(high) << 32 | u64::from(low))
}

/// Whether programs may use the ymm registers.
#[must_use]
pub fn has_avx() -> bool {
    const AVX: u32 = 1 << 28;
    let enabled = xcr0().is_some_and(|xcr0| xcr0 & X87_SSE_AVX == X87_SSE_AVX);
    enabled && __cpuid(1).ecx & AVX != 0
}

/// The selector of ring 3's data segment: the one selector beside null that every data segment
/// register accepts.
#[must_use]
pub fn data_selector() -> u64 {
    let selector: u64;
    // SAFETY: reading a segment register has no effect.
    unsafe {
        asm!("mov {:e}, ss", out(reg) selector, options(nomem, nostack, preserves_flags));
    }
    selector
}
