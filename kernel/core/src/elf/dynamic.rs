//! The relocations of a static-PIE, found through its dynamic section.
//!
//! Only `R_X86_64_RELATIVE` in a `DT_RELA` table is accepted: what a program without libraries
//! needs. All entries are checked here, so that applying them cannot fail half-way.

use super::Refusal;
use super::header::{Fields, ProgramHeader};
use super::segment::Segment;

const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_PLTRELSZ: u64 = 2;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_RELAENT: u64 = 9;
const DT_REL: u64 = 17;
const DT_RELSZ: u64 = 18;
const DT_RELRSZ: u64 = 35;

const R_X86_64_RELATIVE: u64 = 8;

const DYNAMIC_SIZE: usize = 16;
const RELA_SIZE: usize = 24;
/// What a relocation stores.
const TARGET_SIZE: u64 = 8;

/// A checked table of relative relocations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relocations<'a> {
    table: &'a [[u8; RELA_SIZE]],
    bias: u64,
}

/// What the dynamic section says about the table.
#[derive(Default)]
struct Tags {
    address: Option<u64>,
    size: u64,
    entry_size: Option<u64>,
}

impl<'a> Relocations<'a> {
    /// No relocations at all.
    pub(super) const NONE: Self = Self { table: &[], bias: 0 };

    /// Finds and checks the table of the file whose `PT_DYNAMIC` is `dynamic`.
    pub(super) fn locate<I: Iterator<Item = Segment<'a>>>(
        dynamic: &ProgramHeader,
        bytes: &'a [u8],
        bias: u64,
        segments: impl Fn() -> I,
    ) -> Result<Self, Refusal> {
        let tags = Tags::parse(dynamic.file(bytes).ok_or(Refusal::BadDynamic)?)?;
        if tags.size == 0 {
            return Ok(Self::NONE);
        }
        let entry_fits = tags.entry_size.is_none_or(|size| usize::try_from(size) == Ok(RELA_SIZE));
        let address = tags.address.and_then(|address| address.checked_add(bias));
        let table = address
            .and_then(|address| segments().find_map(|s| s.file_at(address, tags.size)))
            .map(<[u8]>::as_chunks::<RELA_SIZE>);
        let Some((table, [])) = table.filter(|_| entry_fits) else {
            return Err(Refusal::BadRelocationTable);
        };

        for entry in table {
            let (offset, info, _addend) = parse(entry).ok_or(Refusal::BadRelocationTable)?;
            // Kind in the low half, symbol in the high half: relative ones name no symbol.
            if info != R_X86_64_RELATIVE {
                return Err(Refusal::UnknownRelocation);
            }
            let target = offset.checked_add(bias).ok_or(Refusal::BadRelocationTarget)?;
            if !segments().any(|s| s.contains(target, TARGET_SIZE)) {
                return Err(Refusal::BadRelocationTarget);
            }
        }
        Ok(Self { table, bias })
    }

    /// Target and value of each; the value wraps, as the psABI's formula `B + A` does.
    pub(super) fn iter(self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let bias = self.bias;
        self.table.iter().filter_map(move |entry| {
            let (offset, _info, addend) = parse(entry)?;
            Some((offset.checked_add(bias)?, bias.wrapping_add(addend)))
        })
    }
}

impl Tags {
    fn parse(section: &[u8]) -> Result<Self, Refusal> {
        let mut tags = Self::default();
        for entry in section.as_chunks::<DYNAMIC_SIZE>().0 {
            let mut fields = Fields(entry);
            let tag = fields.u64()?;
            let value = fields.u64()?;
            match tag {
                DT_NULL => break,
                DT_NEEDED => return Err(Refusal::NeedsLibrary),
                DT_RELA => tags.address = Some(value),
                DT_RELASZ => tags.size = value,
                DT_RELAENT => tags.entry_size = Some(value),
                DT_REL => return Err(Refusal::UnknownRelocation),
                DT_RELSZ | DT_RELRSZ | DT_PLTRELSZ if value != 0 => {
                    return Err(Refusal::UnknownRelocation);
                }
                _ => {}
            }
        }
        Ok(tags)
    }
}

/// `r_offset`, `r_info`, `r_addend` of an `Elf64_Rela`.
fn parse(entry: &[u8; RELA_SIZE]) -> Option<(u64, u64, u64)> {
    let mut fields = Fields(entry);
    Some((fields.u64().ok()?, fields.u64().ok()?, fields.u64().ok()?))
}
