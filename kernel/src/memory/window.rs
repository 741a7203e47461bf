//! The physical window: all physical memory, shown at one place, to look at what is in a frame.

use core::slice;

use orbital_arch::mmio::PhysicalWindow;
use orbital_arch::paging::PhysFrame;
use orbital_core::frames::Frame;

/// All physical memory, at the place the loader is told to show it.
pub(crate) const WINDOW: PhysicalWindow = PhysicalWindow::new(0xffff_8800_0000_0000);

/// Bytes in a frame.
pub(crate) const FRAME_SIZE: usize = 4096;

/// What is in a frame.
pub(crate) type FrameBytes = [u8; FRAME_SIZE];

/// What is in a frame.
///
/// # Safety
/// The caller has the frame, and for as long as `'a` nothing else writes it.
pub(crate) unsafe fn bytes<'a>(frame: PhysFrame) -> &'a FrameBytes {
    // SAFETY: the window shows all memory; the rest is the caller's promise.
    unsafe { &*WINDOW.pointer(frame.start_address().as_u64()) }
}

/// What is in a frame, to be changed.
///
/// # Safety
/// The caller has the frame, and for as long as `'a` nothing else reads or writes it.
pub(crate) unsafe fn bytes_mut<'a>(frame: PhysFrame) -> &'a mut FrameBytes {
    // SAFETY: the window shows all memory; the rest is the caller's promise.
    unsafe { &mut *WINDOW.pointer(frame.start_address().as_u64()) }
}

/// `len` zeros in the frames from `first` on.
///
/// # Safety
/// The frames are memory, they are shown by the window, and they are the caller's for good.
pub(super) unsafe fn zeroed_slice<T: Copy>(first: Frame, len: usize) -> &'static mut [T] {
    let start: *mut T = WINDOW.pointer(first.address());
    // SAFETY: as the caller promises.
    unsafe { start.write_bytes(0, len) };
    // SAFETY: as the caller promises; frames are aligned for any number, for which 0 is a value.
    unsafe { slice::from_raw_parts_mut(start, len) }
}
