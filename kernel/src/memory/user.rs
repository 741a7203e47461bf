//! The one place that reads and writes the memory of a program.
//!
//! Through the physical window, after its page tables were asked whether ring 3 itself could: no
//! user address is ever used as a pointer, so SMAP stays closed. A range is checked to its end,
//! and promised pages are given their memory, before the first byte moves: a call that fails
//! changes nothing. No reference to user memory leaves this file; bytes are copied once.

use orbital_abi::Errno;
use orbital_core::range::UserRange;

use super::space::{Access, AddressSpace};
use super::window;

/// Checks that the program could itself access every byte of `range` that way.
///
/// # Errors
/// [`Errno::Fault`] if it could not; [`Errno::Error`] if a promised page cannot be had.
pub(crate) fn check(
    space: &mut AddressSpace,
    range: UserRange,
    access: Access,
) -> Result<(), Errno> {
    for piece in range.pieces() {
        space.frame_for(piece.page, access)?;
    }
    Ok(())
}

/// Copies `range` into `target`, which is as long.
///
/// # Errors
/// [`Errno::Fault`] if the program could not read all of it; `target` is unchanged then.
/// [`Errno::Invalid`] if the lengths differ. Otherwise as [`check`].
pub(crate) fn read(
    space: &mut AddressSpace,
    range: UserRange,
    target: &mut [u8],
) -> Result<(), Errno> {
    if range.len() != target.len() as u64 {
        return Err(Errno::Invalid);
    }
    check(space, range, Access::Read)?;
    let mut rest = target;
    for piece in range.pieces() {
        let frame = space.frame_for(piece.page, Access::Read)?;
        // SAFETY: the space has the frame. Interrupts are off and `space` is borrowed, so
        // neither its tasks nor anybody else writes it now.
        let bytes = unsafe { window::bytes(frame) };
        let (part, others) = rest.split_at_mut(piece.len as usize);
        part.copy_from_slice(&bytes[piece.offset as usize..][..part.len()]);
        rest = others;
    }
    Ok(())
}

/// Copies `source` into `range`, which is as long.
///
/// # Errors
/// [`Errno::Fault`] if the program could not write all of it; its memory is unchanged then.
/// [`Errno::Invalid`] if the lengths differ. Otherwise as [`check`].
pub(crate) fn write(
    space: &mut AddressSpace,
    range: UserRange,
    source: &[u8],
) -> Result<(), Errno> {
    if range.len() != source.len() as u64 {
        return Err(Errno::Invalid);
    }
    check(space, range, Access::Write)?;
    let mut rest = source;
    for piece in range.pieces() {
        let frame = space.frame_for(piece.page, Access::Write)?;
        // SAFETY: the space owns the frame. Interrupts are off and `space` is borrowed, so
        // neither its tasks nor anybody else reads or writes it now.
        let bytes = unsafe { window::bytes_mut(frame) };
        let (part, others) = rest.split_at(piece.len as usize);
        bytes[piece.offset as usize..][..part.len()].copy_from_slice(part);
        rest = others;
    }
    Ok(())
}
