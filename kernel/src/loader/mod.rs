//! From the file of a program to an address space that is ready to run.
//!
//! [`orbital_core::elf`] decides what goes where and refuses what it does not like, before
//! anything is mapped; [`load`] carries that out, once for each program ([`templates`]), and lays
//! out the stack of each process. Everything lies in the new [`AddressSpace`] from the moment it
//! exists, so whatever fails, dropping it gives every frame back.

mod stack;
mod templates;

pub(crate) use templates::init;

use core::fmt;

use orbital_abi::layout::{PAGE_SIZE, SPAWN_MAX, TASK_STACK_SIZE};
use orbital_arch::paging::Rights;
use orbital_core::elf::{HeaderTable, LoadPlan, Refusal, Segment, StackPlan, Tls, TlsBlock};
use orbital_core::range::UserRange;

use crate::memory::space::{AddressSpace, Limits, SpaceError, StackRange};

/// Rights of stacks and thread-local blocks.
const DATA: Rights = Rights { write: true, execute: false, user: true };

/// Where and how the first task of a program starts: what its file says, once it has been read.
#[derive(Clone, Copy, Debug)]
struct Start {
    entry: u64,
    stack_top: u64,
    fs_base: u64,
    tls: Option<Tls<'static>>,
    headers: HeaderTable,
}

impl Start {
    fn of(plan: &LoadPlan<'static>) -> Self {
        Self {
            entry: plan.entry(),
            stack_top: plan.stack().top,
            fs_base: plan.tls_block().map_or(0, |block| block.fs_base),
            tls: plan.tls(),
            headers: plan.header_table(),
        }
    }
}

/// A program that is ready to run.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// All its memory.
    pub(crate) space: AddressSpace,
    /// Address of its first instruction.
    pub(crate) entry: u64,
    /// Its stack pointer: `argc` is there, `argv`, `envp` and the auxiliary vector above.
    pub(crate) stack_pointer: u64,
    /// Its FS base: 0 if it has no thread-local storage.
    pub(crate) fs_base: u64,
    /// The template for the thread-local storage of further tasks.
    pub(crate) tls: Option<Tls<'static>>,
}

/// What a further task of a program starts with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskMemory {
    /// What to unmap when the task has ended.
    pub(crate) stack: StackRange,
    /// Its stack pointer.
    pub(crate) stack_pointer: u64,
    /// Its FS base: 0 if the program has no thread-local storage.
    pub(crate) fs_base: u64,
}

/// Why a program was not loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoadError {
    /// The file cannot be run.
    Refused(Refusal),
    /// Its memory cannot be had.
    Space(SpaceError),
    /// The arguments are too long, or do not end in a NUL.
    BadArguments,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Space(error) => error.fmt(f),
            Self::BadArguments => f.write_str("bad arguments"),
        }
    }
}

impl From<Refusal> for LoadError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<SpaceError> for LoadError {
    fn from(error: SpaceError) -> Self {
        Self::Space(error)
    }
}

/// Loads the program in `file`; `arguments` are its `argv`, each ended by a NUL.
///
/// # Errors
/// The reason why it does not run; nothing is left of it.
pub(crate) fn load(
    file: &'static [u8],
    arguments: &[u8],
    limits: Limits,
) -> Result<Loaded, LoadError> {
    let ends_well = arguments.last().is_none_or(|last| *last == 0);
    if !ends_well || arguments.len() as u64 > SPAWN_MAX {
        return Err(LoadError::BadArguments);
    }
    let (mut space, start) = templates::image(file, limits)?;
    let stack_pointer = stack::fill(&mut space, &start, arguments)?;
    let Start { entry, fs_base, tls, .. } = start;
    Ok(Loaded { space, entry, stack_pointer, fs_base, tls })
}

/// Maps all that `plan` says in a new address space, but for what lies on the stack.
fn build(plan: &LoadPlan<'_>, limits: Limits) -> Result<AddressSpace, SpaceError> {
    let mut space = AddressSpace::try_new(limits)?;
    for segment in plan.segments() {
        map_segment(&mut space, &segment)?;
    }
    for (address, value) in plan.relocations() {
        write(&mut space, address, &value.to_le_bytes())?;
    }
    if let Some(block) = plan.tls_block() {
        space.map_demand(block.start..block.start + block.pages * PAGE_SIZE, DATA)?;
        fill_tls(&mut space, &block)?;
    }
    let StackPlan { bottom, top } = plan.stack();
    space.set_first_stack(StackRange { bottom, top });
    Ok(space)
}

/// Gives a further task of a program its stack, with its thread-local block at the upper end.
///
/// # Errors
/// Nothing is left of it.
pub(crate) fn add_task(
    space: &mut AddressSpace,
    tls: Option<Tls<'static>>,
) -> Result<TaskMemory, SpaceError> {
    // The size of a block does not depend on which page it starts at.
    let tls_pages = tls.and_then(|tls| tls.block_at(0)).map_or(0, |block| block.pages);
    let stack = space.map_stack(TASK_STACK_SIZE + tls_pages * PAGE_SIZE)?;
    let stack_pointer = stack.top - tls_pages * PAGE_SIZE;
    let block = tls.and_then(|tls| tls.block_at(stack_pointer));
    if let Some(block) = block
        && let Err(error) = fill_tls(space, &block)
    {
        space.unmap_stack(stack);
        return Err(error);
    }
    Ok(TaskMemory { stack, stack_pointer, fs_base: block.map_or(0, |block| block.fs_base) })
}

/// Maps what the file has of a segment; the rest is zero, and appears when it is touched.
fn map_segment(space: &mut AddressSpace, segment: &Segment<'_>) -> Result<(), SpaceError> {
    let rights =
        Rights { write: segment.rights.write, execute: segment.rights.execute, user: true };
    let file_start = segment.vaddr;
    let file_end = file_start + segment.file.len() as u64;
    let mut page = segment.pages_start();
    while page < file_end {
        let start = file_start.max(page);
        let end = file_end.min(page + PAGE_SIZE);
        let part = &segment.file[(start - file_start) as usize..(end - file_start) as usize];
        space.map_page(page, rights, |bytes| {
            let (before, rest) = bytes.split_at_mut((start - page) as usize);
            let (within, after) = rest.split_at_mut(part.len());
            before.fill(0);
            within.copy_from_slice(part);
            after.fill(0);
        })?;
        page += PAGE_SIZE;
    }
    space.map_demand(page..segment.pages_end(), rights)
}

/// Writes a thread-local block: the image, and the word that holds its own address.
fn fill_tls(space: &mut AddressSpace, block: &TlsBlock<'_>) -> Result<(), SpaceError> {
    write(space, block.image_address, block.image)?;
    write(space, block.fs_base, &block.fs_base.to_le_bytes())
}

fn write(space: &mut AddressSpace, address: u64, bytes: &[u8]) -> Result<(), SpaceError> {
    let range = UserRange::new(address, bytes.len() as u64).map_err(|_| SpaceError::BadRange)?;
    space.write_initial(range, bytes)
}
