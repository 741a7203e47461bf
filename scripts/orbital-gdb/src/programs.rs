//! Which file a task runs: the one whose build id lies in the task's memory.
//!
//! Names cannot tell, since any file can be started under any name, and a file that was built anew
//! since has other symbols than the program that runs. Where the linker made no build id, the code at
//! the program's entry stands for it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::elf::{self, Identity};
use crate::wires::{Error, Result};

/// A file with the symbols of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Where it lies.
    pub file: PathBuf,
    /// Where its lowest address is in a process.
    pub base: u64,
}

/// What a task's memory tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// It runs this one.
    Known(Program),
    /// It runs one with this note, which no file has.
    Stranger(Vec<u8>),
    /// There is no build id.
    Nothing,
}

/// All that are known.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    all: Vec<(Program, Identity)>,
}

impl Programs {
    /// Reads files, and folders of files; what is no program is passed over.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut programs = Self::default();
        for path in paths {
            if path.is_dir() {
                let mut files = Vec::new();
                for entry in fs::read_dir(path)? {
                    files.push(entry?.path());
                }
                files.sort();
                for file in files {
                    programs.add(&file).ok();
                }
            } else {
                programs.add(path).ok();
            }
        }
        Ok(programs)
    }

    fn add(&mut self, file: &Path) -> Result<()> {
        let identity = match elf::identity(file)? {
            Some(identity) => identity,
            None => elf::entry_code(file)?
                .ok_or_else(|| Error::Unexpected(format!("{} is no program", file.display())))?,
        };
        let file = fs::canonicalize(file)?;
        self.all.push((Program { file, base: identity.base }, identity));
        Ok(())
    }

    /// The program in the memory that `read` reads, given an address and a length.
    ///
    /// # Errors
    /// That of `read`.
    pub fn find(&self, mut read: impl FnMut(u64, u64) -> Result<Vec<u8>>) -> Result<Found> {
        let mut stranger = None;
        let mut last = None;
        for (program, Identity { note_address, note, .. }) in &self.all {
            let place = (*note_address, note.len() as u64);
            // Nearly all have it at the same address.
            let bytes = match last.take() {
                Some((at, bytes)) if at == place => bytes,
                _ => read(place.0, place.1)?,
            };
            if bytes == *note {
                return Ok(Found::Known(program.clone()));
            }
            if elf::is_build_id(&bytes) {
                stranger = Some(bytes.clone());
            }
            last = Some((place, bytes));
        }
        Ok(stranger.map_or(Found::Nothing, Found::Stranger))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Found, Program, Programs};
    use crate::elf::Identity;

    fn program(name: &str, note_address: u64, note: &[u8]) -> (Program, Identity) {
        let program = Program { file: PathBuf::from(name), base: 0x40_0000 };
        (program, Identity { base: 0x40_0000, note_address, note: note.to_vec() })
    }

    #[test]
    fn the_build_id_in_memory_decides() {
        let all = vec![
            program("a", 0x40_0000, b"aaaa"),
            program("b", 0x40_0000, b"bbbb"),
            program("c", 0x50_0000, b"cc"),
        ];
        let programs = Programs { all };
        let found = |memory: &'static [u8], place| {
            let found = programs.find(|address, length| {
                let bytes = if address == place { memory } else { &[] };
                Ok(bytes[..bytes.len().min(length as usize)].to_vec())
            });
            found.unwrap()
        };
        let known = |place: usize| Found::Known(programs.all[place].0.clone());
        assert_eq!(found(b"bbbb....", 0x40_0000), known(1));
        assert_eq!(found(b"cccc", 0x50_0000), known(2));
        assert_eq!(found(b"cccc", 0x40_0000), Found::Nothing);
        assert_eq!(found(b"", 0x40_0000), Found::Nothing, "not mapped");
    }

    #[test]
    fn a_build_id_that_no_file_has_is_told_from_no_build_id() {
        let note = |id: u8| [&b"\x04\0\0\0\x04\0\0\0\x03\0\0\0GNU\0"[..], &[id; 4]].concat();
        let programs = Programs { all: vec![program("a", 0x40_0000, &note(1))] };
        let found = programs.find(|_, _| Ok(note(2))).unwrap();
        assert_eq!(found, Found::Stranger(note(2)));
    }
}
