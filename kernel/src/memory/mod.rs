//! Memory: physical frames, the kernel's own half of every address space, user address spaces.
//!
//! | module | what it has |
//! |---|---|
//! | [`window`] | physical memory, as it is shown |
//! | [`frames`] | the same, frame by frame |
//! | [`kernel`] | the kernel's page tables: heap, stacks, device registers |
//! | [`heap`] | the allocator behind `alloc`, for what is sized at boot |
//! | [`kstack`] | kernel stacks with guard pages |
//! | [`space`] | the address space of a process |
//! | [`user`] | the one place that reads and writes user memory |
//!
//! [`init`] runs once, after the kernel's own GDT and IDT are loaded and before anything is
//! allocated. From then on the lower half of the address space is empty until a process has it.

pub(crate) mod frames;
pub(crate) mod heap;
pub(crate) mod kernel;
pub(crate) mod kstack;
pub(crate) mod space;
mod stock;
pub(crate) mod user;
pub(crate) mod window;

use core::fmt;

use bootloader_api::BootInfo;
use bootloader_api::info::MemoryRegionKind;
use orbital_core::frames::RegionError;

/// How much memory there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MemorySummary {
    /// All memory the machine reports as RAM it can give, the loader's part included.
    pub(crate) total_kib: u64,
    /// What the frame allocator was given.
    pub(crate) usable_kib: u64,
    /// How many kernel stacks, and so tasks, there can be at once.
    pub(crate) max_tasks: usize,
}

/// Why the machine's memory cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BootError {
    /// The memory map contradicts itself.
    MemoryMap(RegionError),
    /// There is not enough memory to run anything.
    TooLittleMemory,
    /// The loader did not show physical memory where it was told to.
    NoPhysicalWindow,
    /// Something the kernel needs lies in the half that belongs to processes.
    LowAddress(&'static str, u64),
    /// A page of the kernel can be both written and executed.
    WritableAndExecutable(u64),
}

impl fmt::Display for MemorySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} KiB, {} KiB usable, at most {} tasks",
            self.total_kib, self.usable_kib, self.max_tasks
        )
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MemoryMap(error) => write!(f, "memory map refused: {error:?}"),
            Self::TooLittleMemory => f.write_str("too little memory"),
            Self::NoPhysicalWindow => f.write_str("physical memory is not mapped"),
            Self::LowAddress(what, address) => write!(f, "{what} lies low, at {address:#x}"),
            Self::WritableAndExecutable(address) => {
                write!(f, "kernel page {address:#x} can be written and executed")
            }
        }
    }
}

/// Takes over all memory; see the module's text for when.
///
/// # Errors
/// The reason why the kernel cannot run on this machine or behind this loader.
///
/// # Safety
/// Called once, with what the loader handed over; interrupts are off; nothing that stays in use
/// lies in the lower half of the address space.
pub(crate) unsafe fn init(boot_info: &BootInfo) -> Result<MemorySummary, BootError> {
    kernel::check_handover(boot_info)?;
    // SAFETY: the window is where it must be, as just checked; the rest is the caller's promise.
    unsafe { frames::init(&boot_info.memory_regions)? };
    let usable = frames::counts();
    // SAFETY: as the caller promises.
    unsafe { kernel::init()? };
    for page in orbital_arch::ist_guard_pages() {
        kernel::unmap_guard(page.as_u64());
    }
    let max_tasks = kstack::init(usable.total)?;

    let ram = boot_info.memory_regions.iter().filter(|region| {
        matches!(region.kind, MemoryRegionKind::Usable | MemoryRegionKind::Bootloader)
    });
    Ok(MemorySummary {
        total_kib: ram.map(|region| region.end - region.start).sum::<u64>() / 1024,
        usable_kib: frames_to_kib(usable.total),
        max_tasks,
    })
}

/// Says that boot has all the memory it wants: from now on the heap gives nothing more.
pub(crate) fn finish_boot() -> impl fmt::Display {
    heap::close();
    fmt::from_fn(|f| {
        let (free, heap) = (frames_to_kib(frames::counts().free), heap::size() / 1024);
        write!(f, "{free} KiB free, kernel heap {heap} KiB")
    })
}

const fn frames_to_kib(frames: u64) -> u64 {
    frames * (window::FRAME_SIZE as u64 / 1024)
}
