//! A caller's buffer that is filled piece by piece: whole lines, whole records.

use orbital_abi::Errno;
use orbital_core::range::UserRange;

use super::with_space;
use crate::memory::space::Access;
use crate::memory::user;

/// The part of a caller's buffer that is still empty, and how much was filled.
pub(super) struct UserBuffer {
    at: u64,
    left: u64,
    written: u64,
}

impl UserBuffer {
    /// The buffer at `ptr`, of `len` bytes.
    ///
    /// # Errors
    /// [`Errno::Fault`] if the caller could not write all of it itself.
    pub(super) fn new(ptr: u64, len: u64) -> Result<Self, Errno> {
        let range = UserRange::new(ptr, len)?;
        with_space(|space| user::check(space, range, Access::Write))?;
        Ok(Self { at: ptr, left: len, written: 0 })
    }

    /// Appends `piece` if it fits whole; says whether it did.
    ///
    /// # Errors
    /// [`Errno::Fault`] if the memory is not there any more.
    pub(super) fn append(&mut self, piece: &[u8]) -> Result<bool, Errno> {
        let len = piece.len() as u64;
        if len > self.left {
            return Ok(false);
        }
        let range = UserRange::new(self.at, len)?;
        with_space(|space| user::write(space, range, piece))?;
        self.at += len;
        self.left -= len;
        self.written += len;
        Ok(true)
    }

    /// How many bytes were filled.
    pub(super) const fn written(&self) -> u64 {
        self.written
    }
}
