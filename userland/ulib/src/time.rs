//! Time: the calls `uptime`, `clock` and `sleep`.

use orbital_abi::Errno;

use crate::sys;

/// Whole seconds since the machine booted.
#[must_use]
pub fn uptime() -> u64 {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::uptime() }).unwrap_or(0)
}

/// Nanoseconds since the machine booted; never goes back.
///
/// # Errors
///
/// `NotImplemented` on a kernel without that clock.
pub fn clock() -> Result<u64, Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::clock() })
}

/// Lets at least `nanos` nanoseconds pass.
///
/// # Errors
///
/// `NotImplemented` on a kernel without a timer.
pub fn sleep(nanos: u64) -> Result<(), Errno> {
    // SAFETY: the call touches no memory of the program.
    sys::check(unsafe { sys::sleep(nanos) }).map(drop)
}
