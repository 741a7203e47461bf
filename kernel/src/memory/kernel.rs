//! The kernel's half of the address space, which every process shares.
//!
//! One tree of page tables is the kernel's own; it is live while no process is. Its root slots
//! are complete after boot: later mappings change tables below them, so that they appear in every
//! address space at once. The lower half is empty.
//!
//! | from | what |
//! |---|---|
//! | `ffff_8800_0000_0000` | all physical memory ([`WINDOW`]) |
//! | `ffff_9000_0000_0000` | what the loader places: boot stack, boot information, ramdisk, screen |
//! | `ffff_a000_0000_0000` | kernel stacks |
//! | `ffff_b000_0000_0000` | heap |
//! | `ffff_c000_0000_0000` | device registers |
//! | `ffff_ffff_8000_0000` | the kernel image |

use core::ops::Range;
use core::ptr;

use bootloader_api::BootInfo;
use orbital_arch::paging::{
    self, Mapping, OutOfTables, PAGE_SIZE, PageTables, PhysAddr, PhysFrame, Rights, RootEntry,
    Slot, TableSource,
};

use super::BootError;
use super::frames::{self, Priority};
use super::window::WINDOW;
use crate::sync::{Lock, Order};

/// Where the kernel stacks are.
pub(crate) const STACKS: u64 = 0xffff_a000_0000_0000;
/// Where the heap is.
pub(super) const HEAP: u64 = 0xffff_b000_0000_0000;
/// Where device registers are mapped.
const DEVICES: u64 = 0xffff_c000_0000_0000;
/// Where the half that is shared begins.
const UPPER_HALF: u64 = 0xffff_8000_0000_0000;

/// What kernel data may be used for.
pub(super) const DATA: Rights = Rights { write: true, execute: false, user: false };

/// Root slots the upper half needs: two for the image and the window, four for the loader and
/// the regions, and room for a window of more than 512 GiB.
const MAX_SHARED: usize = 16;

static KERNEL: Lock<Option<KernelHalf>> = Lock::new(Order::KernelHalf, None);

struct KernelHalf {
    tables: PageTables,
    /// The root entries that every address space has.
    shared: [Option<RootEntry>; MAX_SHARED],
    next_device: u64,
}

unsafe extern "C" {
    static __kernel_start: u8;
    static __kernel_end: u8;
}

/// Checks that the loader did what the kernel's configuration asks for: nothing it still needs
/// may lie in the lower half.
pub(super) fn check_handover(boot_info: &BootInfo) -> Result<(), BootError> {
    if boot_info.physical_memory_offset.into_option() != Some(WINDOW.base) {
        return Err(BootError::NoPhysicalWindow);
    }
    let framebuffer = boot_info.framebuffer.as_ref();
    let needed = [
        ("boot information", Some(ptr::from_ref(boot_info).addr() as u64)),
        ("memory map", Some(boot_info.memory_regions.as_ptr().addr() as u64)),
        ("boot stack", Some(boot_info.kernel_stack_bottom)),
        ("ramdisk", boot_info.ramdisk_addr.into_option()),
        ("framebuffer", framebuffer.map(|screen| screen.buffer().as_ptr().addr() as u64)),
        ("kernel image", Some((&raw const __kernel_start).addr() as u64)),
    ];
    for (what, address) in needed {
        if let Some(address) = address.filter(|address| *address < UPPER_HALF) {
            return Err(BootError::LowAddress(what, address));
        }
    }
    Ok(())
}

/// Leaves the loader's page tables for the kernel's own.
///
/// # Safety
/// The frame allocator works, and nothing that stays in use lies in the lower half.
pub(super) unsafe fn init() -> Result<(), BootError> {
    // SAFETY: only read, and only its upper half, which stays as it is.
    let loader = unsafe { PageTables::new(paging::active_root(), WINDOW) };
    let root = frames::alloc_zeroed(Priority::Reserved).ok_or(BootError::TooLittleMemory)?;
    // SAFETY: a zeroed frame of our own is an empty tree.
    let mut tables = unsafe { PageTables::new(root, WINDOW) };
    for entry in loader.upper_half() {
        // SAFETY: the tables behind it are the loader's gift, and stay.
        unsafe { tables.share(entry) };
    }
    // One page in each region: from now on its root slot is there, and never changes.
    for region in [STACKS, HEAP, DEVICES] {
        tables
            .update(region..region + PAGE_SIZE, &mut BootTables, |_, _, slot| Ok(slot))
            .map_err(|OutOfTables| BootError::TooLittleMemory)?;
    }
    let mut shared = [None; MAX_SHARED];
    for (place, entry) in shared.iter_mut().zip(tables.upper_half()) {
        *place = Some(entry);
    }
    assert!(tables.upper_half().count() <= MAX_SHARED, "too many root slots to share");
    let kernel = KernelHalf { tables, shared, next_device: DEVICES };
    check_image(&kernel.tables)?;
    // SAFETY: the upper half is that of the tables the CPU uses now.
    unsafe { paging::activate(&kernel.tables) };
    KERNEL.with(|place| *place = Some(kernel));
    Ok(())
}

/// Maps fresh frames at `pages`, for good.
pub(super) fn map_data(pages: Range<u64>) -> Result<(), OutOfTables> {
    update(pages, |_, _| {
        let frame = frames::alloc(Priority::Reserved).ok_or(OutOfTables)?;
        Ok(Slot::Mapped(Mapping { frame, rights: DATA, owned: true }))
    })
}

/// Changes pages of the kernel's half; whoever makes one absent flushes it.
pub(super) fn update(
    pages: Range<u64>,
    mut set: impl FnMut(u64, Slot) -> Result<Slot, OutOfTables>,
) -> Result<(), OutOfTables> {
    with(|kernel| kernel.tables.update(pages, &mut BootTables, |_, page, slot| set(page, slot)))
}

/// Maps `length` bytes of device registers at `physical`, uncached, for good. Null if it cannot.
pub(crate) fn map_device(physical: u64, length: u64) -> *mut u8 {
    let first = PhysAddr::new_truncate(physical).align_down(PAGE_SIZE);
    let offset = physical - first.as_u64();
    let pages = (offset + length).div_ceil(PAGE_SIZE);
    let mapped = with(|kernel| {
        let start = kernel.next_device;
        kernel.next_device = start + pages * PAGE_SIZE;
        let range = start..kernel.next_device;
        let device = |_: &mut _, page, _| {
            let frame = PhysFrame::containing_address(first + (page - start));
            Ok::<_, OutOfTables>(Slot::Device(frame))
        };
        kernel.tables.update(range, &mut BootTables, device).map(|()| start + offset)
    });
    mapped.map_or(ptr::null_mut(), |address| ptr::with_exposed_provenance_mut(address as usize))
}

/// Unmaps one page of the kernel image for good: an access to it faults from now on.
pub(crate) fn unmap_guard(page: u64) {
    let unmapped = update(page..page + PAGE_SIZE, |_, _| Ok(Slot::Empty));
    assert!(unmapped.is_ok(), "the image is mapped, so its tables exist");
    paging::flush(page);
}

/// Gives the kernel's half to an address space that has none yet.
pub(super) fn share_with(tables: &mut PageTables) {
    with(|kernel| {
        for entry in kernel.shared.iter().flatten() {
            // SAFETY: the tables behind it are the kernel's own, and stay.
            unsafe { tables.share(*entry) };
        }
    });
}

/// Takes the kernel's half away again, so that the root table holds only zeros.
pub(super) fn unshare(tables: &mut PageTables) {
    assert!(tables.root() != paging::active_root(), "the live address space is taken down");
    with(|kernel| kernel.shared.iter().flatten().for_each(|entry| tables.unshare(*entry)));
}

/// The physical address of the kernel's own root table: CR3 while no process has the CPU.
pub(crate) fn root() -> u64 {
    with(|kernel| kernel.tables.root().start_address().as_u64())
}

/// No page of the image may be writable and executable.
fn check_image(tables: &PageTables) -> Result<(), BootError> {
    let start = (&raw const __kernel_start).addr() as u64;
    let end = (&raw const __kernel_end).addr() as u64;
    for page in (start..end).step_by(PAGE_SIZE as usize) {
        if let Slot::Mapped(mapping) = tables.lookup(page)
            && mapping.rights.write
            && mapping.rights.execute
        {
            return Err(BootError::WritableAndExecutable(page));
        }
    }
    Ok(())
}

/// Tables of the kernel's half: made at boot, or when a device is mapped.
struct BootTables;

impl TableSource for BootTables {
    fn table(&mut self) -> Option<PhysFrame> {
        frames::alloc_zeroed(Priority::Reserved)
    }
}

fn with<R>(work: impl FnOnce(&mut KernelHalf) -> R) -> R {
    KERNEL.with(|kernel| {
        #[expect(clippy::expect_used, reason = "boot sets it up before anything can ask")]
        work(kernel.as_mut().expect("nothing is mapped before memory::init"))
    })
}
