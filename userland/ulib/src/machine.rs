//! Looking at the whole machine: the calls `system`, `programs`, `trace` and `fail`.

use orbital_abi::Errno;
use orbital_abi::records::{Switch, System};

use crate::{io, sys};

/// Time, memory, tasks and timer.
///
/// # Errors
///
/// `NotImplemented` before the kernel has a timer.
pub fn system() -> Result<System, Errno> {
    let mut system = System::default();
    let address = (&raw mut system).expose_provenance() as u64;
    // SAFETY: the call writes one `System`, all of whose bit patterns are valid, to `system`.
    sys::check(unsafe { sys::system(address) })?;
    Ok(system)
}

/// Fills `buffer` with as many whole lines of the list of programs as fit: size in bytes, name.
///
/// # Errors
///
/// None that a valid buffer can cause.
pub fn programs(buffer: &mut [u8]) -> Result<&[u8], Errno> {
    // SAFETY: the call writes only into `buffer`, which is borrowed mutably.
    let count = sys::check(unsafe { sys::programs(io::address_mut(buffer), io::length(buffer)) })?;
    let count = io::filled(count, buffer);
    Ok(&buffer[..count])
}

/// Fills `buffer` with the switches from number `first` on that the kernel remembers.
///
/// # Errors
///
/// None that a valid buffer can cause.
pub fn trace(first: u64, buffer: &mut [Switch]) -> Result<&[Switch], Errno> {
    let address = buffer.as_mut_ptr().expose_provenance() as u64;
    let length = size_of_val(buffer) as u64;
    // SAFETY: the call writes only into `buffer`, which is borrowed mutably, and every bit pattern
    // of a `Switch` is valid.
    let count = sys::check(unsafe { sys::trace(first, address, length) })?;
    let count = usize::try_from(count).map_or(buffer.len(), |count| count.min(buffer.len()));
    Ok(&buffer[..count])
}

/// Lets the `nth` page allocation from now on behalf of the calling task fail, once; 0 for none.
/// Returns what was left of its last count: 0 if that allocation has failed.
///
/// # Errors
///
/// `PermissionDenied` unless the kernel command line says `fail=calls`.
pub fn fail(nth: u64) -> Result<u64, Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::fail(nth) })
}
