//! The kernel's file taken apart: [`Kernel`] is its instructions, each with the name of its function.

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::artifacts::kernel;
use crate::{Failure, Profile, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};
use xmas_elf::ElfFile;
use xmas_elf::header;
use xmas_elf::program::{ProgramHeader, Type};
use xmas_elf::sections::SectionData;
use xmas_elf::symbol_table::Entry;

/// A kernel as it was built.
pub struct Kernel {
    /// Which build it is.
    pub profile: Profile,
    /// Whether the file may be loaded anywhere (ET_DYN).
    pub relocatable: bool,
    /// What of the file is mapped.
    pub segments: Vec<Segment>,
    /// In order of their addresses.
    pub code: Vec<Instruction>,
    /// Names with their addresses, in order; a function may have a label inside.
    symbols: Vec<(u64, String)>,
}

/// What the boot loader maps.
pub struct Segment {
    /// Where it lies.
    pub addresses: Range<u64>,
    /// Whether it may be written.
    pub write: bool,
    /// Whether it may be executed.
    pub execute: bool,
    bytes: Vec<u8>,
}

impl Kernel {
    /// Both builds, so that every rule is held by what each compiler setting makes of it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn all() -> Result<Vec<Self>> {
        [Profile::Release, Profile::Debug].into_iter().map(Self::read).collect()
    }

    /// One build.
    ///
    /// # Errors
    /// It cannot be made, or is not as a kernel must be.
    pub fn read(profile: Profile) -> Result<Self> {
        Self::of(&kernel(profile)?, profile)
    }

    /// Another file of a build: a program is taken apart like a kernel.
    ///
    /// # Errors
    /// It is not there, or not as it must be.
    pub fn of(file: &Path, profile: Profile) -> Result<Self> {
        let bytes = fs::read(file)?;
        let elf = ElfFile::new(&bytes)?;
        let loaded = |header: &ProgramHeader<'_>| header.get_type() == Ok(Type::Load);
        let segments: Vec<_> =
            elf.program_iter().filter(loaded).map(|header| Segment::new(&header, &bytes)).collect();
        let code = segments.iter().filter(|segment| segment.execute).flat_map(Segment::decode);
        let code: Vec<_> = code.collect();
        let symbols = symbols(&elf)?;
        let relocatable = elf.header.pt2.type_().as_type() != header::Type::Executable;
        Ok(Self { profile, relocatable, segments, code, symbols })
    }

    /// The function or label that `address` belongs to.
    #[must_use]
    pub fn name(&self, address: u64) -> &str {
        let after = self.symbols.partition_point(|&(start, _)| start <= address);
        after.checked_sub(1).map_or("", |at| &self.symbols[at].1)
    }

    /// The instructions of a function or label, up to the next name.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn body(&self, name: &str) -> &[Instruction] {
        let start = self.code.partition_point(|i| self.symbol(name).is_none_or(|at| i.ip() < at));
        let rest = &self.code[start..];
        let end = rest.iter().position(|i| self.name(i.ip()) != name).unwrap_or(rest.len());
        assert!(end > 0, "{:?}: no function {name}", self.profile);
        &rest[..end]
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|(_, known)| known == name).map(|(address, _)| *address)
    }

    /// Where a variable is, by the end of its path in the source: `stubs::NMI_COUNT`.
    #[must_use]
    pub fn variable(&self, path: &str) -> Option<u64> {
        // Mangled, each part of a path has its length before it.
        let mangled = path.split("::").map(|part| format!("{}{part}", part.len()));
        let mangled: String = mangled.collect();
        self.symbols.iter().find(|(_, name)| name.contains(&mangled)).map(|(address, _)| *address)
    }

    /// Where an instruction of that kind stands: its position in `code`, and who has it.
    pub fn every(&self, mnemonic: Mnemonic) -> impl Iterator<Item = (usize, &str)> {
        let all = self.code.iter().enumerate();
        all.filter(move |(_, instruction)| instruction.mnemonic() == mnemonic)
            .map(|(at, instruction)| (at, self.name(instruction.ip())))
    }

    /// The eight bytes that a segment holds at `address`.
    #[must_use]
    pub fn word(&self, address: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|s| s.addresses.contains(&address))?;
        let at = usize::try_from(address - segment.addresses.start).ok()?;
        Some(u64::from_le_bytes(*segment.bytes.get(at..)?.first_chunk()?))
    }

    /// An instruction for a person: build, function, address, text.
    #[must_use]
    pub fn show(&self, instruction: &Instruction) -> String {
        let (ip, mnemonic) = (instruction.ip(), instruction.mnemonic());
        format!("{:?}: {}: {ip:#x}: {mnemonic:?}", self.profile, self.name(ip))
    }
}

impl Segment {
    fn new(header: &ProgramHeader<'_>, file: &[u8]) -> Self {
        let number = |word: u64| usize::try_from(word).unwrap_or(usize::MAX);
        let (start, offset) = (header.virtual_addr(), number(header.offset()));
        let bytes = file.get(offset..offset + number(header.file_size()));
        Self {
            addresses: start..start + header.mem_size(),
            write: header.flags().is_write(),
            execute: header.flags().is_execute(),
            bytes: bytes.unwrap_or_default().to_owned(),
        }
    }

    fn decode(&self) -> impl Iterator<Item = Instruction> + use<> {
        let start = self.addresses.start;
        let code: Vec<_> =
            Decoder::with_ip(64, &self.bytes, start, DecoderOptions::NONE).iter().collect();
        code.into_iter()
    }
}

fn symbols(elf: &ElfFile<'_>) -> Result<Vec<(u64, String)>> {
    let table = elf.find_section_by_name(".symtab").ok_or("the kernel has no symbols")?;
    let SectionData::SymbolTable64(entries) = table.get_data(elf)? else {
        return Err(Failure::from("the symbols are not for 64 bits"));
    };
    let mut symbols = Vec::new();
    for entry in entries.iter().filter(|entry| entry.value() != 0) {
        symbols.push((entry.value(), entry.get_name(elf)?.to_owned()));
    }
    symbols.sort();
    Ok(symbols)
}
