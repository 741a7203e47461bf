//! The ramdisk: a tar archive with the kernel's command line and the programs.
//!
//! `cmdline` is text, `bin/NAME` is a program. [`Ramdisk`] is an index, made once at boot and
//! sorted by name, so that finding a program costs a few comparisons however many there are.
//! Whatever is wrong with an archive, what stands before the defect is used and nothing panics:
//! the archive's headers are read with `tar_no_std`, its contents are not (that can panic).

use alloc::vec::Vec;

use tar_no_std::{ArchiveHeaderIterator, PosixHeader, TarArchiveRef};

/// Bytes in a block of a tar archive; a header takes one.
const BLOCK_SIZE: usize = 512;

/// The folder of the programs.
const PROGRAMS: &str = "bin/";

/// The file with the command line.
const COMMAND_LINE: &str = "cmdline";

/// A program of the ramdisk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// Its name, without the folder.
    pub(crate) name: &'static str,
    /// Its file.
    pub(crate) bytes: &'static [u8],
}

/// What the ramdisk has.
#[derive(Debug, Default)]
pub(crate) struct Ramdisk {
    /// Sorted by name; every name once.
    programs: Vec<Program>,
    command_line: &'static str,
}

impl Ramdisk {
    /// Indexes `archive`. An archive that is damaged is used up to the defect.
    pub(crate) fn new(archive: &'static [u8]) -> Self {
        let mut ramdisk = Self::default();
        // The iterator panics where this does not succeed.
        if TarArchiveRef::new(archive).is_ok() {
            ArchiveHeaderIterator::new(archive)
                .map_while(|(block, header)| {
                    ramdisk.add(header, archive.get((block + 1) * BLOCK_SIZE..)?)
                })
                .for_each(drop);
        }
        ramdisk
    }

    /// The file of a program, by its name with or without the folder.
    pub(crate) fn program(&self, name: &str) -> Option<&'static [u8]> {
        let name = name.strip_prefix(PROGRAMS).unwrap_or(name);
        let place = self.find(name).ok()?;
        self.programs.get(place).map(|program| program.bytes)
    }

    /// All programs, by name.
    pub(crate) fn programs(&self) -> impl ExactSizeIterator<Item = &Program> {
        self.programs.iter()
    }

    /// The kernel command line, empty if there is none.
    pub(crate) const fn command_line(&self) -> &'static str {
        self.command_line
    }

    /// Takes in one file whose contents are the first of `rest`. `None` ends the archive.
    fn add(&mut self, header: &'static PosixHeader, rest: &'static [u8]) -> Option<()> {
        if header.is_zero_block() {
            return None;
        }
        let kind = header.typeflag.try_to_type_flag().ok()?;
        if !kind.is_regular_file() {
            return Some(());
        }
        let bytes = rest.get(..header.size.as_number::<usize>().ok()?)?;
        let name = header.name.as_str().ok()?;
        if name == COMMAND_LINE {
            self.command_line = str::from_utf8(bytes).unwrap_or_default();
        } else if let Some(name) = name.strip_prefix(PROGRAMS) {
            self.programs.try_reserve(1).ok()?;
            match self.find(name) {
                Ok(place) => self.programs[place].bytes = bytes,
                Err(place) => self.programs.insert(place, Program { name, bytes }),
            }
        }
        Some(())
    }

    /// Where the program is in the index, or would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.programs.binary_search_by(|program| program.name.cmp(name))
    }
}
