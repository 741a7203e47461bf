//! The kernel's offset table: every address, offset and size that finding the tasks takes, by name.
//!
//! `kernel/src/debug.rs` publishes it as `ORBITAL_DEBUG_INFO`: a magic of 8 bytes, a version and a
//! count of 4 bytes each, then entries of a name of 32 bytes and a value of 8.

use std::collections::HashMap;

use crate::machine::Machine;
use crate::wires::{Error, Result};

const MAGIC: &[u8; 8] = b"ORBITAL\0";
const VERSION: u32 = 1;
const HEADER: u64 = 16;
const NAME: usize = 32;
const ENTRY: usize = NAME + 8;

/// The table.
#[derive(Clone, Debug, Default)]
pub struct Info {
    values: HashMap<String, u64>,
}

impl Info {
    /// Reads the table at `address`; `None` as long as the kernel has not filled it.
    pub fn read(machine: &mut Machine, address: u64) -> Result<Option<Self>> {
        let header = machine.read(address, HEADER)?;
        let number = |at| header.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four));
        let (Some(version), Some(count)) = (number(8), number(12)) else { return Ok(None) };
        if !header.starts_with(MAGIC) {
            return Ok(None);
        }
        if version != VERSION {
            let text = format!("the kernel's offset table has version {version}, not {VERSION}");
            return Err(Error::Unexpected(text));
        }
        let bytes = machine.read(address + HEADER, u64::from(count) * ENTRY as u64)?;
        let entries = bytes.chunks_exact(ENTRY).filter_map(|entry| {
            let (name, value) = entry.split_first_chunk::<NAME>()?;
            Some((text(name), u64::from_le_bytes(*value.first_chunk()?)))
        });
        Ok(Some(Self { values: entries.collect() }))
    }

    /// The value of that name.
    ///
    /// # Errors
    /// There is none: the kernel is another than we were made for.
    pub fn get(&self, name: &str) -> Result<u64> {
        let value = self.values.get(name).copied();
        value.ok_or_else(|| Error::Unexpected(format!("the kernel's offset table has no {name}")))
    }
}

/// Text up to the first NUL.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Info;
    use crate::fake;

    #[test]
    fn an_empty_table_is_none() {
        let (mut machine, stub) = fake::machine();
        assert!(Info::read(&mut machine, 0x1000).unwrap().is_none(), "no memory there");
        stub.put(0x1000, &[0; 64]);
        assert!(Info::read(&mut machine, 0x1000).unwrap().is_none(), "no magic there");
    }

    #[test]
    fn values_are_found_by_name() {
        let (mut machine, stub) = fake::machine();
        stub.put(0x1000, &fake::table(1, &[("stack.size", 0x4000), ("entry.tag", 0)]));
        let info = Info::read(&mut machine, 0x1000).unwrap().unwrap();
        assert_eq!(info.get("stack.size").unwrap(), 0x4000);
        let error = info.get("entry.size").unwrap_err().to_string();
        assert_eq!(error, "the kernel's offset table has no entry.size");
    }

    #[test]
    fn another_version_is_refused_by_name() {
        let (mut machine, stub) = fake::machine();
        stub.put(0x1000, &fake::table(2, &[]));
        let error = Info::read(&mut machine, 0x1000).unwrap_err().to_string();
        assert_eq!(error, "the kernel's offset table has version 2, not 1");
    }
}
