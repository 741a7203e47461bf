//! The machine's memory: as it is mapped now, and in any page tables.

use super::{CHUNK, Machine};
use crate::hex;
use crate::paging::{self, PAGE, Place};
use crate::wires::{Error, Result};

impl Machine {
    /// The bytes at an address that is valid now, as far as they can be read.
    pub fn read(&mut self, address: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (at, length) in parts(address, length, CHUNK) {
            match hex::decode(&self.ask(&format!("m{at:x},{length:x}"))?) {
                Some(part) if !part.is_empty() => bytes.extend(part),
                _ => break,
            }
        }
        Ok(bytes)
    }

    /// The word at an address that is valid now; `None` if it cannot be read.
    pub fn word(&mut self, address: u64) -> Result<Option<u64>> {
        Ok(self.read(address, 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)))
    }

    /// Writes to an address that is valid now; whether all was written.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<bool> {
        self.pages.clear();
        let mut at = address;
        for part in bytes.chunks(CHUNK as usize) {
            let packet = format!("M{at:x},{:x}:{}", part.len(), hex::encode(part));
            if self.ask(&packet)? != "OK" {
                return Ok(false);
            }
            at += part.len() as u64;
        }
        Ok(true)
    }

    /// The bytes at an address in the page tables at `root`, as far as they can be read.
    pub fn read_in(&mut self, root: u64, address: u64, length: u64) -> Result<Vec<u8>> {
        self.physically(|machine| {
            let mut bytes = Vec::new();
            for (at, length) in parts(address, length, PAGE) {
                match machine.translate(root, at)? {
                    Place::Memory(physical) => bytes.extend(machine.read(physical, length)?),
                    Place::Zero => bytes.resize(bytes.len() + length as usize, 0),
                    Place::Nothing => break,
                }
            }
            Ok(bytes)
        })
    }

    /// Writes to an address in the page tables at `root`; whether all was written.
    pub fn write_in(&mut self, root: u64, address: u64, bytes: &[u8]) -> Result<bool> {
        self.physically(|machine| {
            let mut rest = bytes;
            for (at, length) in parts(address, bytes.len() as u64, PAGE) {
                let (part, later) = rest.split_at(length as usize);
                rest = later;
                match machine.translate(root, at)? {
                    Place::Memory(physical) if machine.write(physical, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        })
    }

    /// Lets `act` address physical memory; the mode is the stub's, so it is always left again.
    fn physically<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.ask("Qqemu.PhyMemMode:1")? != "OK" {
            return Err(Error::Unexpected("QEMU cannot read physical memory".to_owned()));
        }
        let result = act(self);
        self.ask("Qqemu.PhyMemMode:0")?;
        result
    }

    fn translate(&mut self, root: u64, address: u64) -> Result<Place> {
        let (page, offset) = (address - address % PAGE, address % PAGE);
        let place = match self.pages.get(&(root, page)) {
            Some(known) => *known,
            None => {
                let found = paging::translate(root, page, self.promised, |entry| self.word(entry))?;
                self.pages.insert((root, page), found);
                found
            }
        };
        Ok(match place {
            Place::Memory(frame) => Place::Memory(frame + offset),
            other => other,
        })
    }
}

/// Cuts a range into parts that do not cross a multiple of `size`.
fn parts(address: u64, length: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = address;
    let mut left = length;
    std::iter::from_fn(move || {
        let part = left.min(size - at % size);
        let found = (part > 0).then_some((at, part));
        (at, left) = (at.wrapping_add(part), left - part);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_range_is_cut_at_multiples() {
        let cut: Vec<_> = parts(0xff0, 0x1020, 0x1000).collect();
        assert_eq!(cut, [(0xff0, 0x10), (0x1000, 0x1000), (0x2000, 0x10)]);
        assert_eq!(parts(5, 0, 8).count(), 0);
        let top: Vec<_> = parts(u64::MAX - 0xf, 0x10, 0x1000).collect();
        assert_eq!(top, [(u64::MAX - 0xf, 0x10)]);
    }
}
