//! Loadable segments: where each lies, which bytes fill it, what the program may do there.

use orbital_abi::layout::{PAGE_SIZE, USER_END, USER_START};

use super::Refusal;
use super::header::{PF_R, PF_W, PF_X, PT_LOAD, ProgramHeader, ProgramHeaders, length, slice};

/// One loadable segment. Its first page starts at or before `vaddr`; bytes of its pages that are
/// not in `file` are zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Address of its first byte, not necessarily page-aligned.
    pub vaddr: u64,
    /// Bytes in memory, at least 1.
    pub memsz: u64,
    /// What its first bytes are; at most `memsz` of them.
    pub file: &'a [u8],
    /// What the program may do with it, beside reading.
    pub rights: Rights,
    offset: u64,
}

/// What a program may do with a segment. Reading is always allowed, and never both of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rights {
    /// The program may write there.
    pub write: bool,
    /// The program may run code there.
    pub execute: bool,
}

/// The segments of a file whose headers have passed [`check_all`].
pub(super) fn loadable<'a>(
    headers: ProgramHeaders<'a>,
    bytes: &'a [u8],
    bias: u64,
) -> impl Iterator<Item = Segment<'a>> + use<'a> {
    headers.of_kind(PT_LOAD).filter_map(move |header| Segment::check(&header, bytes, bias).ok()?)
}

/// Checks every loadable segment alone and against the others.
pub(super) fn check_all(
    headers: ProgramHeaders<'_>,
    bytes: &[u8],
    bias: u64,
) -> Result<(), Refusal> {
    for header in headers.of_kind(PT_LOAD) {
        Segment::check(&header, bytes, bias)?;
    }
    // Pairs: at most 64 headers, so at most 2,016 of them.
    for (index, segment) in loadable(headers, bytes, bias).enumerate() {
        if loadable(headers, bytes, bias).take(index).any(|other| segment.shares_page(&other)) {
            return Err(Refusal::Overlap);
        }
    }
    if loadable(headers, bytes, bias).next().is_none() {
        return Err(Refusal::NoSegments);
    }
    Ok(())
}

impl<'a> Segment<'a> {
    /// The segment that `header` describes, `None` if it takes no memory.
    fn check(header: &ProgramHeader, bytes: &'a [u8], bias: u64) -> Result<Option<Self>, Refusal> {
        if header.file_size > header.memory_size {
            return Err(Refusal::FileLargerThanMemory);
        }
        if header.memory_size == 0 {
            return Ok(None);
        }
        let file = header.file(bytes).ok_or(Refusal::SegmentOutsideFile)?;

        let vaddr = header.vaddr.checked_add(bias).ok_or(Refusal::OutsideUserMemory)?;
        let highest = USER_END.checked_sub(header.memory_size).ok_or(Refusal::OutsideUserMemory)?;
        if vaddr < USER_START || vaddr > highest {
            return Err(Refusal::OutsideUserMemory);
        }

        let align = header.alignment().ok_or(Refusal::BadAlignment)?.max(PAGE_SIZE);
        if !is_aligned(bias, align) {
            return Err(Refusal::BadAlignment);
        }
        // Congruent addresses and offsets: a page of the file is a page of memory.
        if !is_aligned(header.vaddr.wrapping_sub(header.offset), align) {
            return Err(Refusal::Misaligned);
        }

        if header.flags & PF_R == 0 {
            return Err(Refusal::NotReadable);
        }
        let rights = Rights { write: header.flags & PF_W != 0, execute: header.flags & PF_X != 0 };
        if rights.write && rights.execute {
            return Err(Refusal::WritableAndExecutable);
        }
        Ok(Some(Self { vaddr, memsz: header.memory_size, file, rights, offset: header.offset }))
    }

    /// Address of its first page.
    #[must_use]
    pub const fn pages_start(&self) -> u64 {
        page_floor(self.vaddr)
    }

    /// Address after its last page; at most `USER_END`, which is page-aligned.
    #[must_use]
    pub const fn pages_end(&self) -> u64 {
        page_ceiling(self.vaddr.saturating_add(self.memsz))
    }

    /// Pages it takes.
    #[must_use]
    pub const fn page_count(&self) -> u64 {
        self.pages_end().saturating_sub(self.pages_start()).div_euclid(PAGE_SIZE)
    }

    /// Whether all of `len` bytes from `vaddr` lie in the segment.
    pub(super) fn contains(&self, vaddr: u64, len: u64) -> bool {
        let Some(inside) = vaddr.checked_sub(self.vaddr) else {
            return false;
        };
        self.memsz.checked_sub(len).is_some_and(|last| inside <= last)
    }

    /// The `len` bytes that the file puts at `vaddr`, if they are all file-backed.
    pub(super) fn file_at(&self, vaddr: u64, len: u64) -> Option<&'a [u8]> {
        slice(self.file, vaddr.checked_sub(self.vaddr)?, len)
    }

    /// Where `len` bytes at `offset` of the file end up, if all are in this segment.
    pub(super) fn vaddr_of_offset(&self, offset: u64, len: u64) -> Option<u64> {
        let inside = offset.checked_sub(self.offset)?;
        let last = length(self.file.len()).checked_sub(len)?;
        if inside <= last { self.vaddr.checked_add(inside) } else { None }
    }

    /// Whether both need the same page.
    fn shares_page(&self, other: &Segment<'_>) -> bool {
        self.pages_start() < other.pages_end() && other.pages_start() < self.pages_end()
    }
}

/// The start of the page that holds `address`.
pub(super) const fn page_floor(address: u64) -> u64 {
    address & !PAGE_MASK
}

/// The first page boundary at or above `address`; the last page boundary of all at the very top.
pub(super) const fn page_ceiling(address: u64) -> u64 {
    page_floor(address.saturating_add(PAGE_MASK))
}

const PAGE_MASK: u64 = PAGE_SIZE - 1;

/// Whether `value` is a multiple of `align`, a power of two.
const fn is_aligned(value: u64, align: u64) -> bool {
    value & align.wrapping_sub(1) == 0
}
