//! The x87, SSE and AVX state of tasks: an image in memory for each, saved and loaded at every
//! switch (never lazily: CVE-2018-3665).
//!
//! The kernel allocates [`image_size`] bytes for each task, aligned to [`IMAGE_ALIGN`], and calls
//! [`write_initial_image`]; `switch` does the rest. What must stay true: the kernel itself
//! never executes an x87 or SSE instruction, XCR0 holds exactly what is saved, and an image only
//! ever comes from here, so loading one cannot fault.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use x86_64::registers::xcontrol::XCr0;

use super::cpuid::Features;

/// What XSAVE asks of the address of an image (SDM vol. 1, 13.4).
pub const IMAGE_ALIGN: usize = 64;

const XCR0_X87: u32 = 1 << 0;
const XCR0_SSE: u32 = 1 << 1;
const XCR0_AVX: u32 = 1 << 2;

/// What a switch asks XSAVE for: all that tasks may ever use. XSAVE itself leaves out what XCR0 does
/// not have (SDM vol. 1, 13.3: the instruction mask is the logical AND of both).
pub(super) const COMPONENTS: u32 = XCR0_X87 | XCR0_SSE | XCR0_AVX;

/// Whether the CPU has no XSAVE, but only FXSAVE: then every switch is special.
static LEGACY: AtomicBool = AtomicBool::new(false);

/// Bytes of one image, once the CPU has been asked; 0 before.
static IMAGE_SIZE: AtomicUsize = AtomicUsize::new(0);

/// FXSAVE's area, which also begins an XSAVE image (SDM vol. 1, 10.5.1).
const LEGACY_SIZE: usize = 512;
const FCW_OFFSET: usize = 0;
const MXCSR_OFFSET: usize = 24;
/// Legacy area, XSAVE header, upper halves of the 16 AVX registers: no larger with XCR0 = 7.
pub(super) const MAX_SIZE: usize = LEGACY_SIZE + 64 + 256;

/// x87 control word after FNINIT: all exceptions masked, 64-bit mantissa.
const FCW_INITIAL: u16 = 0x37f;
/// MXCSR after reset: all exceptions masked.
const MXCSR_INITIAL: u32 = 0x1f80;

/// The state components tasks may use, which is XCR0; 0 without XSAVE.
pub(super) fn state_components(features: &Features) -> u32 {
    match (features.xsave, features.avx) {
        (false, _) => 0,
        (true, false) => XCR0_X87 | XCR0_SSE,
        (true, true) => COMPONENTS,
    }
}

/// Lets tasks use exactly the state that a switch saves.
///
/// # Safety
/// CR4.OSXSAVE is on iff the CPU has XSAVE, and no image exists yet.
pub(super) unsafe fn init(features: &Features) {
    let components = state_components(features);
    if components != 0 {
        // SAFETY: the CPU has these components, and OSXSAVE is on (caller).
        unsafe { XCr0::write_raw(u64::from(components)) };
    }
    LEGACY.store(components == 0, Ordering::Relaxed);
}

/// Whether state is moved by FXSAVE, for want of XSAVE.
pub(super) fn is_legacy() -> bool {
    LEGACY.load(Ordering::Relaxed)
}

/// Bytes of one image; after `init`.
#[must_use]
pub fn image_size() -> usize {
    match IMAGE_SIZE.load(Ordering::Relaxed) {
        0 => ask_image_size(),
        size => size,
    }
}

/// Once: CPUID takes a thousand instructions here, and on a virtual machine leaves it.
#[cold]
fn ask_image_size() -> usize {
    let info = raw_cpuid::CpuId::new().get_extended_state_info();
    let size = size_of_image(info.map_or(0, |info| info.xsave_area_size_enabled_features()));
    IMAGE_SIZE.store(size, Ordering::Relaxed);
    size
}

/// `xsave_size` is what CPUID says of the XSAVE area: 0 on some CPUs without XSAVE.
fn size_of_image(xsave_size: u32) -> usize {
    (xsave_size as usize).max(LEGACY_SIZE).next_multiple_of(IMAGE_ALIGN)
}

/// Writes the image of a task that has not run: as after FNINIT, with MXCSR as after reset and
/// all vectors 0.
///
/// The XSAVE header says that no component is in use, so XRSTOR sets them all to their initial
/// state (SDM vol. 1, 13.8.1) but MXCSR, which it reads. FXRSTOR reads the same bytes.
///
/// # Safety
/// `image` points at [`image_size`] writable bytes, aligned to [`IMAGE_ALIGN`].
pub unsafe fn write_initial_image(image: *mut u8) {
    // SAFETY: that many bytes are writable (caller).
    unsafe { image.write_bytes(0, image_size()) };
    // SAFETY: inside the image; aligned, as the image is.
    unsafe { image.wrapping_add(FCW_OFFSET).cast::<u16>().write(FCW_INITIAL) };
    // SAFETY: as above.
    unsafe { image.wrapping_add(MXCSR_OFFSET).cast::<u32>().write(MXCSR_INITIAL) };
}

/// Saves the state of the outgoing task and loads that of the incoming one, by whatever means the
/// CPU has.
///
/// # Safety
/// [`init`] has run. Both images are aligned and large enough; both were initialised.
pub(super) unsafe fn exchange(outgoing: *mut u8, incoming: *const u8) {
    if is_legacy() {
        // SAFETY: two images of 512 bytes (caller).
        unsafe {
            asm!("fxsave64 [{to}]", "fxrstor64 [{from}]", to = in(reg) outgoing, from = in(reg) incoming,
                 options(nostack, preserves_flags));
        }
    } else {
        // SAFETY: two images of the size that XCR0 asks for (caller).
        unsafe {
            asm!("xsave64 [{to}]", "xrstor64 [{from}]", to = in(reg) outgoing, from = in(reg) incoming,
                 in("eax") COMPONENTS, in("edx") 0, options(nostack, preserves_flags));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C, align(64))]
    struct Image([u8; 8192]);

    fn host_mask() -> u32 {
        let features = Features::detect();
        state_components(&features)
    }

    #[test]
    fn the_initial_image_is_the_state_after_fninit_with_clear_vectors() {
        let mut fresh = Image([0xff; 8192]);
        let mut own = Image([0; 8192]);
        let mut seen = Image([0; 8192]);
        let (fresh_at, own_at, seen_at) =
            (fresh.0.as_mut_ptr(), own.0.as_mut_ptr(), seen.0.as_mut_ptr());
        // SAFETY: 8192 aligned bytes.
        unsafe { write_initial_image(fresh_at) };
        // SAFETY: all initialised; the state of this thread is back at the end.
        unsafe {
            asm!("xsave64 [{own}]", "xrstor64 [{fresh}]", "xsave64 [{seen}]", "xrstor64 [{own}]",
                 own = in(reg) own_at, fresh = in(reg) fresh_at, seen = in(reg) seen_at,
                 in("eax") host_mask(), in("edx") 0, options(nostack));
        }
        assert_eq!(seen.0[FCW_OFFSET..][..2], FCW_INITIAL.to_le_bytes());
        assert_eq!(seen.0[MXCSR_OFFSET..][..4], MXCSR_INITIAL.to_le_bytes());
        assert!(seen.0[4..MXCSR_OFFSET].iter().all(|&b| b == 0), "no tag, no error pointer");
        assert!(seen.0[32..LEGACY_SIZE].iter().all(|&b| b == 0), "x87 and SSE registers");
        assert!(seen.0[LEGACY_SIZE + 64..].iter().all(|&b| b == 0), "upper halves");
    }

    #[test]
    fn an_image_holds_at_least_what_fxsave_writes() {
        assert_eq!([0, 512, 576, 832].map(size_of_image), [512, 512, 576, 832]);
    }

    #[test]
    fn nothing_is_written_beyond_the_image() {
        let mut image = Image([0xff; 8192]);
        // SAFETY: 8192 aligned bytes.
        unsafe { write_initial_image(image.0.as_mut_ptr()) };
        assert!(image.0[image_size()..].iter().all(|&b| b == 0xff));
    }

    #[test]
    fn exchange_saves_what_was_loaded() {
        let mut own = Image([0; 8192]);
        let mut other = Image([0; 8192]);
        let mut copy = Image([0; 8192]);
        // SAFETY: 8192 aligned bytes.
        unsafe { write_initial_image(other.0.as_mut_ptr()) };
        other.0[MXCSR_OFFSET..][..4].copy_from_slice(&0x3f80u32.to_le_bytes());
        // SAFETY: all three are initialised; no code between the two that depends on the state.
        unsafe { exchange(own.0.as_mut_ptr(), other.0.as_ptr()) };
        // SAFETY: as above; this loads what the first call saved.
        unsafe { exchange(copy.0.as_mut_ptr(), own.0.as_ptr()) };
        assert_eq!(copy.0[MXCSR_OFFSET..][..4], 0x3f80u32.to_le_bytes());
    }

    #[test]
    fn without_xsave_there_is_no_component() {
        let mut features = Features::detect();
        features.xsave = false;
        features.avx = true;
        assert_eq!(state_components(&features), 0);
    }
}
