//! From the bytes of an ELF file to a plan of what to map.
//!
//! [`plan`] checks everything before anything is mapped and either refuses the file with a
//! [`Refusal`] or returns a [`LoadPlan`], which borrows the bytes and allocates nothing. Accepted
//! are static executables: `ET_EXEC`, and `ET_DYN` (static-PIE) whose only relocations are
//! `R_X86_64_RELATIVE`. Whatever a `LoadPlan` hands out has been checked: every range lies in user
//! memory and in the file, segments share no page with each other, the stack, or its guard.
//!
//! | file | what is decided there |
//! |---|---|
//! | `header` | the file header and the table of program headers |
//! | `segment` | each `PT_LOAD`: its place, its bytes, its rights |
//! | `dynamic` | the relocations of a static-PIE |
//! | `place` | where the stack and the thread-local block go |
//! | `refusal` | the reasons, in the words the kernel log shows |
//!
//! Parsed by hand: the crates of this field check late or panic on hostile input. The tests hold
//! the result equal to what `xmas-elf` reads.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod dynamic;
mod header;
mod place;
mod refusal;
mod segment;
#[cfg(test)]
mod tests;

use orbital_abi::layout;

use dynamic::Relocations;
use header::{FileHeader, Kind, ProgramHeader, ProgramHeaders};

pub use place::{StackPlan, Tls, TlsBlock};
pub use refusal::Refusal;
pub use segment::{Rights, Segment};

/// What to map for a program, and where; made only by [`plan`].
#[derive(Clone, Copy, Debug)]
pub struct LoadPlan<'a> {
    bytes: &'a [u8],
    headers: ProgramHeaders<'a>,
    /// What is added to every address in the file: 0 for `ET_EXEC`.
    bias: u64,
    entry: u64,
    header_table: HeaderTable,
    relocations: Relocations<'a>,
    tls: Option<Tls<'a>>,
    tls_block: Option<TlsBlock<'a>>,
    stack: StackPlan,
    image_end: u64,
    pages: u64,
}

/// Where the program can find its own program headers (`AT_PHDR`, `AT_PHNUM`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HeaderTable {
    /// Their address in memory, if a segment's file-backed part holds them.
    pub vaddr: Option<u64>,
    /// How many there are.
    pub count: u64,
}

/// Checks `bytes` and plans how to load them.
///
/// # Errors
/// The first reason found why this kernel does not run the file.
pub fn plan(bytes: &[u8]) -> Result<LoadPlan<'_>, Refusal> {
    let file = FileHeader::parse(bytes)?;
    let headers = ProgramHeaders::locate(bytes, &file)?;
    let bias = match file.kind {
        Kind::Fixed => 0,
        Kind::Relocatable => layout::IMAGE_BASE,
    };

    if headers.of_kind(header::PT_INTERP).next().is_some() {
        return Err(Refusal::NeedsInterpreter);
    }
    let segments = || segment::loadable(headers, bytes, bias);
    segment::check_all(headers, bytes, bias)?;

    let entry = bias.checked_add(file.entry).ok_or(Refusal::BadEntry)?;
    if !segments().any(|s| s.rights.execute && s.file_at(entry, 1).is_some()) {
        return Err(Refusal::BadEntry);
    }

    let dynamic = only(headers, header::PT_DYNAMIC, Refusal::SeveralDynamic)?;
    let relocations = match dynamic {
        Some(dynamic) => Relocations::locate(&dynamic, bytes, bias, segments)?,
        None => Relocations::NONE,
    };
    let tls = match only(headers, header::PT_TLS, Refusal::SeveralTls)? {
        Some(header) => Tls::check(&header, bytes)?,
        None => None,
    };

    let image_end = segments().map(|s| s.pages_end()).max().unwrap_or(0);
    let (stack, tls_block) = place::choose(tls, image_end, segments)?;
    let tls_pages = tls_block.map_or(0, |block| block.pages);
    let pages = segments().fold(tls_pages, |sum, s| sum.saturating_add(s.page_count()));
    let in_memory = segments().find_map(|s| s.vaddr_of_offset(file.table_offset, headers.size()));
    Ok(LoadPlan {
        bytes,
        headers,
        bias,
        entry,
        header_table: HeaderTable { vaddr: in_memory, count: headers.count() },
        relocations,
        tls,
        tls_block,
        stack,
        image_end,
        pages,
    })
}

impl<'a> LoadPlan<'a> {
    /// The segments to map, in the order of the file; all addresses are final.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        segment::loadable(self.headers, self.bytes, self.bias)
    }

    /// Address of the first instruction.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// The relocations as `(vaddr, value)`: store `value`, 8 bytes little-endian, at `vaddr`.
    ///
    /// Each lies wholly inside one segment, but may straddle two of its pages.
    pub fn relocations(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        self.relocations.iter()
    }

    /// The template of thread-local storage; a task other than the first gets its own block
    /// from [`Tls::block_at`].
    #[must_use]
    pub const fn tls(&self) -> Option<Tls<'a>> {
        self.tls
    }

    /// The thread-local block of the first task, if the program has thread-local storage.
    #[must_use]
    pub const fn tls_block(&self) -> Option<TlsBlock<'a>> {
        self.tls_block
    }

    /// The stack of the first task.
    #[must_use]
    pub const fn stack(&self) -> StackPlan {
        self.stack
    }

    /// Where the program finds its own program headers.
    #[must_use]
    pub const fn header_table(&self) -> HeaderTable {
        self.header_table
    }

    /// End of the highest segment, rounded up to a page.
    #[must_use]
    pub const fn image_end(&self) -> u64 {
        self.image_end
    }

    /// Pages that loading fills: segments and the thread-local block, not the stack, whose pages
    /// appear when they are touched.
    #[must_use]
    pub const fn pages(&self) -> u64 {
        self.pages
    }

    /// Refuses a program that needs more than `limit` pages.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`].
    pub const fn check_size(&self, limit: u64) -> Result<(), Refusal> {
        if self.pages > limit {
            return Err(Refusal::TooLarge { pages: self.pages, limit });
        }
        Ok(())
    }
}

/// The one header of `kind`, if there is any; `several` when there are more.
fn only(
    headers: ProgramHeaders<'_>,
    kind: u32,
    several: Refusal,
) -> Result<Option<ProgramHeader>, Refusal> {
    let mut found = headers.of_kind(kind);
    let first = found.next();
    if found.next().is_some() {
        return Err(several);
    }
    Ok(first)
}
