//! Anonymous memory: the calls `map` and `unmap`.

use core::ptr::NonNull;

use orbital_abi::Errno;

use crate::sys;

/// Maps at least `len` bytes of zeroed memory with the given rights (`abi::layout::MAP_*`).
/// Nothing else refers to it; it stays until [`unmap`] or the end of the process.
///
/// # Errors
///
/// `Invalid` for a length of 0 or rights that contradict each other, `Error` when the process's
/// limit or the machine's memory is used up.
pub fn map(len: u64, rights: u64) -> Result<NonNull<u8>, Errno> {
    // SAFETY: new memory overlaps nothing that is in use.
    let address = sys::check(unsafe { sys::map(len, rights) })?;
    let address = usize::try_from(address).map_err(|_| Errno::Error)?;
    NonNull::new(core::ptr::with_exposed_provenance_mut(address)).ok_or(Errno::Error)
}

/// Gives back whole pages that [`map`] returned.
///
/// # Safety
///
/// Nothing may refer to those pages any more.
///
/// # Errors
///
/// `Invalid` unless every page of the range is mapped memory from `map`.
pub unsafe fn unmap(start: NonNull<u8>, len: u64) -> Result<(), Errno> {
    let address = start.as_ptr().expose_provenance() as u64;
    // SAFETY: the caller gives the pages up.
    sys::check(unsafe { sys::unmap(address, len) }).map(drop)
}
