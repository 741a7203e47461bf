//! The file header and the table of program headers (gABI chapters 4 and 5).
//!
//! Fields are read in the order the structures declare them, copied out byte by byte, so that
//! neither alignment nor a second look at the file matters.

use super::Refusal;

/// Loadable segment.
pub(super) const PT_LOAD: u32 = 1;
/// Dynamic section: where a static-PIE keeps its relocations.
pub(super) const PT_DYNAMIC: u32 = 2;
/// Path of a program interpreter.
pub(super) const PT_INTERP: u32 = 3;
/// Template of thread-local storage.
pub(super) const PT_TLS: u32 = 7;

/// Bits of [`ProgramHeader::flags`].
pub(super) const PF_X: u32 = 1;
/// See [`PF_X`].
pub(super) const PF_W: u32 = 2;
/// See [`PF_X`].
pub(super) const PF_R: u32 = 4;

/// Most program headers a file may have; also bounds every loop over pairs of them.
pub(super) const MAX_HEADERS: u16 = 64;

const FILE_HEADER_SIZE: u16 = 64;
const PROGRAM_HEADER_SIZE: usize = 56;

const ELFCLASS64: u8 = 2;
const ELFDATA2LSB: u8 = 1;
const EV_CURRENT: u8 = 1;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_X86_64: u16 = 62;

/// How the file wants to be placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// `ET_EXEC`: at the addresses it names.
    Fixed,
    /// `ET_DYN`: anywhere, after relocation.
    Relocatable,
}

/// The fields of the file header that matter once it has been checked.
pub(super) struct FileHeader {
    pub(super) kind: Kind,
    pub(super) entry: u64,
    /// File offset of the program headers.
    pub(super) table_offset: u64,
    count: u16,
}

impl FileHeader {
    /// Reads and checks the header of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields(bytes);
        let magic = fields.take::<4>()?;
        let [class, encoding, version, _abi] = fields.take::<4>()?;
        let _abi_version_and_padding = fields.take::<8>()?;
        let kind = fields.u16()?;
        let machine = fields.u16()?;
        let file_version = fields.u32()?;
        let entry = fields.u64()?;
        let table_offset = fields.u64()?;
        let _section_table_offset = fields.u64()?;
        let _flags = fields.u32()?;
        let header_size = fields.u16()?;
        let entry_size = fields.u16()?;
        let count = fields.u16()?;
        let _section_fields = fields.take::<6>()?;

        check(magic == *b"\x7fELF", Refusal::NotElf)?;
        check(class == ELFCLASS64, Refusal::Not64Bit)?;
        check(encoding == ELFDATA2LSB, Refusal::NotLittleEndian)?;
        check(version == EV_CURRENT, Refusal::UnknownVersion)?;
        check(file_version == u32::from(EV_CURRENT), Refusal::UnknownVersion)?;
        check(machine == EM_X86_64, Refusal::WrongMachine)?;
        check(header_size >= FILE_HEADER_SIZE, Refusal::BadHeaderSize)?;
        check(usize::from(entry_size) == PROGRAM_HEADER_SIZE, Refusal::BadHeaderSize)?;
        check((1..=MAX_HEADERS).contains(&count), Refusal::BadHeaderCount)?;
        let kind = match kind {
            ET_EXEC => Kind::Fixed,
            ET_DYN => Kind::Relocatable,
            _ => return Err(Refusal::NotExecutable),
        };
        Ok(Self { kind, entry, table_offset, count })
    }
}

/// One entry of the table, as the file has it; `p_paddr` is ignored.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramHeader {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) offset: u64,
    pub(super) vaddr: u64,
    pub(super) file_size: u64,
    pub(super) memory_size: u64,
    pub(super) align: u64,
}

impl ProgramHeader {
    fn parse(entry: &[u8; PROGRAM_HEADER_SIZE]) -> Option<Self> {
        let mut fields = Fields(entry);
        let kind = fields.u32().ok()?;
        let flags = fields.u32().ok()?;
        let offset = fields.u64().ok()?;
        let vaddr = fields.u64().ok()?;
        let _paddr = fields.u64().ok()?;
        let file_size = fields.u64().ok()?;
        let memory_size = fields.u64().ok()?;
        let align = fields.u64().ok()?;
        Some(Self { kind, flags, offset, vaddr, file_size, memory_size, align })
    }

    /// The part of `bytes` that the header names, if the file has it.
    pub(super) fn file<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        slice(bytes, self.offset, self.file_size)
    }

    /// The alignment in bytes (0 and 1 both mean none), if it is a power of two.
    pub(super) fn alignment(&self) -> Option<u64> {
        let align = self.align.max(1);
        align.is_power_of_two().then_some(align)
    }
}

/// The table of program headers: at least one, at most [`MAX_HEADERS`].
#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramHeaders<'a>(&'a [[u8; PROGRAM_HEADER_SIZE]]);

impl<'a> ProgramHeaders<'a> {
    pub(super) fn locate(bytes: &'a [u8], file: &FileHeader) -> Result<Self, Refusal> {
        let size = usize::from(file.count).saturating_mul(PROGRAM_HEADER_SIZE);
        let table = slice(bytes, file.table_offset, length(size));
        Ok(Self(table.ok_or(Refusal::HeadersOutsideFile)?.as_chunks().0))
    }

    pub(super) fn iter(self) -> impl Iterator<Item = ProgramHeader> + use<'a> {
        self.0.iter().filter_map(ProgramHeader::parse)
    }

    pub(super) fn of_kind(self, kind: u32) -> impl Iterator<Item = ProgramHeader> + use<'a> {
        self.iter().filter(move |header| header.kind == kind)
    }

    pub(super) fn count(self) -> u64 {
        length(self.0.len())
    }

    /// Bytes the table takes in the file.
    pub(super) fn size(self) -> u64 {
        length(self.0.as_flattened().len())
    }
}

/// A cursor over little-endian fields.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Refusal::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }

    fn u16(&mut self) -> Result<u16, Refusal> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Refusal> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Refusal> {
        self.take().map(u64::from_le_bytes)
    }
}

/// `len` bytes of `bytes` from `offset`, if they are all there.
pub(super) fn slice(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let tail = bytes.get(usize::try_from(offset).ok()?..)?;
    tail.get(..usize::try_from(len).ok()?)
}

/// A length in memory as the 64-bit number that ELF fields are compared with.
pub(super) fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

fn check(holds: bool, otherwise: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(otherwise) }
}
