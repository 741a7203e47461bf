//! The kernel's file taken apart: [`Kernel`] is its instructions, each with the name of its function.

use std::fs;
use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic};
use orbital_tests::{Failure, Profile, Result};
use xmas_elf::ElfFile;
use xmas_elf::header;
use xmas_elf::program::{ProgramHeader, Type};
use xmas_elf::sections::SectionData;
use xmas_elf::symbol_table::Entry;

/// A kernel as it was built.
pub(crate) struct Kernel {
    pub(crate) profile: Profile,
    /// Whether the file may be loaded anywhere (ET_DYN).
    pub(crate) relocatable: bool,
    pub(crate) segments: Vec<Segment>,
    /// In order of their addresses.
    pub(crate) code: Vec<Instruction>,
    /// Names with their addresses, in order; a function may have a label inside.
    symbols: Vec<(u64, String)>,
}

/// What the boot loader maps.
pub(crate) struct Segment {
    pub(crate) addresses: Range<u64>,
    pub(crate) write: bool,
    pub(crate) execute: bool,
    bytes: Vec<u8>,
}

impl Kernel {
    /// Both builds, so that every rule is held by what each compiler setting makes of it.
    pub(crate) fn all() -> Result<Vec<Self>> {
        [Profile::Release, Profile::Debug].into_iter().map(Self::read).collect()
    }

    fn read(profile: Profile) -> Result<Self> {
        let bytes = fs::read(orbital_tests::kernel(profile)?)?;
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
    pub(crate) fn name(&self, address: u64) -> &str {
        let after = self.symbols.partition_point(|&(start, _)| start <= address);
        after.checked_sub(1).map_or("", |at| &self.symbols[at].1)
    }

    /// The instructions of a function or label, up to the next name.
    pub(crate) fn body(&self, name: &str) -> &[Instruction] {
        let start = self.code.partition_point(|i| self.symbol(name).is_none_or(|at| i.ip() < at));
        let rest = &self.code[start..];
        let end = rest.iter().position(|i| self.name(i.ip()) != name).unwrap_or(rest.len());
        assert!(end > 0, "{:?}: no function {name}", self.profile);
        &rest[..end]
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.iter().find(|(_, known)| known == name).map(|(address, _)| *address)
    }

    /// Where an instruction of that kind stands: its position in `code`, and who has it.
    pub(crate) fn every(&self, mnemonic: Mnemonic) -> impl Iterator<Item = (usize, &str)> {
        let all = self.code.iter().enumerate();
        all.filter(move |(_, instruction)| instruction.mnemonic() == mnemonic)
            .map(|(at, instruction)| (at, self.name(instruction.ip())))
    }

    /// The eight bytes that a segment holds at `address`.
    pub(crate) fn word(&self, address: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|s| s.addresses.contains(&address))?;
        let at = usize::try_from(address - segment.addresses.start).ok()?;
        Some(u64::from_le_bytes(*segment.bytes.get(at..)?.first_chunk()?))
    }

    /// An instruction for a person: build, function, address, text.
    pub(crate) fn show(&self, instruction: &Instruction) -> String {
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
