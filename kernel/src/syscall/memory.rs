//! Calls that change the caller's memory: `map`, `unmap`.

use orbital_abi::Errno;
use orbital_abi::layout::{MAP_EXECUTE, MAP_READ, MAP_WRITE};
use orbital_arch::paging::Rights;

use super::with_space;

/// Maps zeroed memory; its address. Rights that are unknown, none, or writable together with
/// executable are refused.
pub(super) fn map(len: u64, rights: u64) -> Result<u64, Errno> {
    if rights == 0 || rights & !(MAP_READ | MAP_WRITE | MAP_EXECUTE) != 0 {
        return Err(Errno::Invalid);
    }
    let (write, execute) = (rights & MAP_WRITE != 0, rights & MAP_EXECUTE != 0);
    if write && execute {
        return Err(Errno::Invalid);
    }
    with_space(|space| Ok(space.map_anonymous(len, Rights { write, execute, user: true })?))
}

/// Unmaps whole pages that `map` returned.
pub(super) fn unmap(addr: u64, len: u64) -> Result<u64, Errno> {
    with_space(|space| Ok(space.unmap(addr, len)?))?;
    Ok(0)
}
