//! Where the first task's stack and thread-local block go.
//!
//! ```text
//!  image │ guard │ thread-local block │ guard │ stack ......... top │ guard
//!        ▲ image_end   (if any)                     pages appear when touched
//! ```
//!
//! Directly above the image, so that a small program, its stack included, lies in one 2 MiB region
//! and needs one page table; elsewhere only if there is no room above.

use orbital_abi::layout::{GUARD_SIZE, PAGE_SIZE, STACK_SIZE, USER_END, USER_START};

use super::Refusal;
use super::header::ProgramHeader;
use super::segment::{Segment, page_ceiling};

/// A stack to map, page-aligned at both ends. The page below `bottom` stays unmapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackPlan {
    /// Lowest address of the stack.
    pub bottom: u64,
    /// First address above the stack.
    pub top: u64,
}

/// The template of a program's thread-local storage (`PT_TLS`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tls<'a> {
    /// What the first bytes of each block are; the others are zero.
    pub image: &'a [u8],
    /// Bytes in a block.
    pub memsz: u64,
    /// Alignment of a block, a power of two, at most a page.
    pub align: u64,
    /// Distance from the first byte of a block up to the thread pointer.
    offset: u64,
}

/// A place for one task's thread-local block and thread control block.
///
/// The psABI's variant II: the block ends just below the thread pointer, and the word at the
/// thread pointer holds the thread pointer itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TlsBlock<'a> {
    /// First page to map, readable and writable, zeroed.
    pub start: u64,
    /// How many pages to map.
    pub pages: u64,
    /// What to copy to `image_address`.
    pub image: &'a [u8],
    /// Where the block starts.
    pub image_address: u64,
    /// The thread pointer: value of FS.base, and of the 8 bytes stored at that address.
    pub fs_base: u64,
}

/// Bytes kept from the thread pointer upward: the self pointer, and the words above it that
/// compilers read (the stack-protector canary is at offset 0x28).
const THREAD_CONTROL_BLOCK_SIZE: u64 = 64;

/// Chooses the places for a program with these segments.
pub(super) fn choose<'a, I: Iterator<Item = Segment<'a>>>(
    tls: Option<Tls<'a>>,
    image_end: u64,
    segments: impl Fn() -> I,
) -> Result<(StackPlan, Option<TlsBlock<'a>>), Refusal> {
    let free = |start: u64, end: u64| {
        end <= USER_END && !segments().any(|s| s.pages_start() < end && start < s.pages_end())
    };
    // At most 64 segments leave a gap of a terabyte somewhere, and every gap starts at one of these.
    let starts = [image_end, USER_START].into_iter().chain(segments().map(|s| s.pages_end()));
    starts
        .filter_map(|start| Some((start, place_at(start, tls)?)))
        .find(|(start, (stack, _))| free(*start, stack.top.saturating_add(GUARD_SIZE)))
        .map(|(_, places)| places)
        .ok_or(Refusal::NoRoom)
}

/// Both places, if everything starts at `start`.
fn place_at(start: u64, tls: Option<Tls<'_>>) -> Option<(StackPlan, Option<TlsBlock<'_>>)> {
    let above_guard = start.checked_add(GUARD_SIZE)?;
    let (block, bottom) = match tls {
        None => (None, above_guard),
        Some(tls) => {
            let block = tls.block_at(above_guard)?;
            (Some(block), block.end()?.checked_add(GUARD_SIZE)?)
        }
    };
    Some((StackPlan { bottom, top: bottom.checked_add(STACK_SIZE)? }, block))
}

impl<'a> Tls<'a> {
    /// The template that `header` describes, `None` if it is empty.
    pub(super) fn check(header: &ProgramHeader, bytes: &'a [u8]) -> Result<Option<Self>, Refusal> {
        let image = header.file(bytes).ok_or(Refusal::BadTls)?;
        let memsz = header.memory_size;
        let align = header.alignment().filter(|align| *align <= PAGE_SIZE);
        let align = align.ok_or(Refusal::BadTls)?;
        if header.file_size > memsz || memsz > USER_END {
            return Err(Refusal::BadTls);
        }
        // The block keeps the template's address modulo its alignment, as linkers assume.
        let padding = header.vaddr.wrapping_add(memsz).wrapping_neg() & align.wrapping_sub(1);
        let offset = memsz.checked_add(padding).ok_or(Refusal::BadTls)?;
        Ok((memsz > 0).then_some(Self { image, memsz, align, offset }))
    }

    /// The block of a task whose thread-local pages start at `start`, a page boundary; `None` if
    /// it would wrap around.
    #[must_use]
    pub fn block_at(&self, start: u64) -> Option<TlsBlock<'a>> {
        let fs_base =
            start.checked_add(self.offset)?.checked_next_multiple_of(self.align.max(16))?;
        let end = fs_base.checked_add(THREAD_CONTROL_BLOCK_SIZE)?;
        Some(TlsBlock {
            start,
            pages: page_ceiling(end).checked_sub(start)?.div_euclid(PAGE_SIZE),
            image: self.image,
            image_address: fs_base.checked_sub(self.offset)?,
            fs_base,
        })
    }
}

impl TlsBlock<'_> {
    /// First address above its pages.
    fn end(&self) -> Option<u64> {
        self.start.checked_add(self.pages.checked_mul(PAGE_SIZE)?)
    }
}
