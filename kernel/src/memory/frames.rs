//! Frames of physical memory: taking one, giving it back.
//!
//! [`orbital_core::frames`] keeps the books. Added here is what has to do with the memory itself: a
//! stock of frames known to be zero (page tables come back that way, and are needed that way), and in
//! debug builds a poison in every frame that is free. Used by the modules beside this one; others ask
//! for [`counts`] only.

use core::cell::Cell;

use bootloader_api::info::{MemoryRegion, MemoryRegionKind};
use orbital_arch::paging::{PhysAddr, PhysFrame};
use orbital_arch::switch;
use orbital_core::cmdline::Fail;
pub(crate) use orbital_core::frames::Priority;
use orbital_core::frames::{FailIn, Frame, Frames, Regions};

use super::BootError;
use super::stock::Stock;
use super::window::{FRAME_SIZE, bytes, bytes_mut, zeroed_slice};
use crate::sync::{Lock, Order};

/// Frames below this address belong to the firmware, and later to the start of other CPUs.
const LOWEST_ADDRESS: u64 = 1 << 20;

/// The part of all frames that is kept for those who must always succeed, and the least of it.
const RESERVED_PART: u64 = 64;
const LEAST_RESERVE: u64 = 512;

/// What a free frame holds in debug builds: as an address it faults, as a count it is absurd.
const POISON: u8 = 0xdd;

static ALLOCATOR: Lock<Option<Allocator>> = Lock::new(Order::Frames, None);

struct Allocator {
    books: Frames<'static>,
    /// Free frames that the books take for allocated: those that hold only zeros, and others.
    /// The reserve does not count on them.
    zeroed: Stock,
    used: Stock,
    /// Frames that others keep for the next process: templates, spare stacks.
    kept: u64,
    /// The books must see every frame: some may have to fail, or this build checks all it can.
    bypass_stock: bool,
}

/// How much memory there is, in frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Counts {
    /// All that can be allocated.
    pub(crate) total: u64,
    /// What nobody has.
    pub(crate) free: u64,
    /// What is kept for the next process: templates of programs, spare kernel stacks.
    pub(crate) kept: u64,
}

impl Counts {
    /// What somebody has and will give back.
    pub(crate) const fn used(self) -> u64 {
        self.total - self.free - self.kept
    }
}

/// Takes over what the loader's memory map calls usable.
///
/// # Safety
/// [`WINDOW`](super::window::WINDOW) is mapped, and nothing else uses the usable regions of `map`.
pub(crate) unsafe fn init(map: &[MemoryRegion]) -> Result<(), BootError> {
    let mut regions = Regions::new();
    for region in map.iter().filter(|region| region.kind == MemoryRegionKind::Usable) {
        let start = region.start.max(LOWEST_ADDRESS);
        if start < region.end {
            regions.add(start, region.end).map_err(BootError::MemoryMap)?;
        }
    }
    // The books shrink by what they take, so asking before carving asks for enough.
    let needed = regions.storage();
    let mut carve = |bytes: usize| {
        let frames = bytes.div_ceil(FRAME_SIZE) as u64;
        regions.carve(frames).ok_or(BootError::TooLittleMemory)
    };
    let recycled = carve(needed.recycled * size_of::<u32>())?;
    let allocated = carve(needed.allocated * size_of::<u64>())?;
    // SAFETY: frames of a usable region that were just taken out of it, for good.
    let recycled = unsafe { zeroed_slice(recycled, needed.recycled) };
    // SAFETY: as above.
    let allocated = unsafe { zeroed_slice(allocated, needed.allocated) };
    let reserve = (regions.frames() / RESERVED_PART).max(LEAST_RESERVE);
    let books = Frames::new(regions, reserve, recycled, allocated)
        .map_err(|_| BootError::TooLittleMemory)?;
    let new = Allocator {
        books,
        zeroed: Stock::EMPTY,
        used: Stock::EMPTY,
        kept: 0,
        bypass_stock: cfg!(debug_assertions),
    };
    ALLOCATOR.with(|allocator| *allocator = Some(new));
    Ok(())
}

/// Takes a frame; it holds whatever it held before.
pub(crate) fn alloc(priority: Priority) -> Option<PhysFrame> {
    with(|allocator| {
        let Allocator { books, zeroed, used, bypass_stock, .. } = allocator;
        if *bypass_stock {
            let fails = with_count_of_task(FailIn::fails_now);
            return if fails { None } else { books.allocate(priority).ok() };
        }
        used.take().or_else(|| books.allocate(priority).ok()).or_else(|| zeroed.take())
    })
    .map(to_phys)
}

/// Takes a frame that holds only zeros.
pub(crate) fn alloc_zeroed(priority: Priority) -> Option<PhysFrame> {
    let stocked =
        with(|allocator| if allocator.bypass_stock { None } else { allocator.zeroed.take() });
    if let Some(frame) = stocked {
        return Some(to_phys(frame));
    }
    let frame = alloc(priority)?;
    // SAFETY: the frame was free until now, so nobody else looks at it.
    unsafe { bytes_mut(frame) }.fill(0);
    Some(frame)
}

/// Gives back a frame that [`alloc()`] or [`alloc_zeroed`] gave out, and that nothing maps.
pub(crate) fn free(frame: PhysFrame) {
    if cfg!(debug_assertions) {
        // SAFETY: the caller gives the frame up, so nobody else looks at it.
        unsafe { bytes_mut(frame) }.fill(POISON);
    }
    with(|allocator| {
        let stock = (!allocator.bypass_stock).then_some(&mut allocator.used);
        keep_or_release(stock, &mut allocator.books, from_phys(frame));
    });
}

/// Gives back a frame as [`free`] does, that holds only zeros.
pub(crate) fn free_zeroed(frame: PhysFrame) {
    // SAFETY: the caller gives the frame up, so nobody else writes it.
    debug_assert!(unsafe { bytes(frame) }.iter().all(|byte| *byte == 0), "not zeroed");
    with(|allocator| {
        let stock = (!allocator.bypass_stock).then_some(&mut allocator.zeroed);
        keep_or_release(stock, &mut allocator.books, from_phys(frame));
    });
}

/// Says that so many frames more than before are kept for the next process.
pub(crate) fn note_kept(frames: u64) {
    with(|allocator| allocator.kept += frames);
}

/// Says that so many frames fewer than before are kept for the next process.
pub(crate) fn note_used(frames: u64) {
    with(|allocator| allocator.kept -= frames);
}

/// How much memory there is. What is in stock is free: whoever asks can have it.
pub(crate) fn counts() -> Counts {
    with(|allocator| Counts {
        total: allocator.books.total(),
        free: allocator.books.free() + (allocator.zeroed.len() + allocator.used.len()) as u64,
        kept: allocator.kept,
    })
}

/// Makes those allocations fail that the command line asks for, or lets programs choose.
pub(crate) fn expect_failures(fail: Fail) {
    with(|allocator| {
        allocator.bypass_stock |= fail != Fail::Nth(0);
        if let Fail::Nth(n) = fail {
            allocator.books.fail_nth(n);
        }
    });
}

/// Lets the `n`-th allocation from now that is made for the running task fail, once; 0 for none.
/// Returns what was left of its last count. Needs [`Fail::Calls`].
pub(crate) fn fail_nth(n: u64) -> u64 {
    with_count_of_task(|count| count.arm(n))
}

/// Whether every allocation counts, so that nobody may use what was kept from before.
pub(super) fn all_count() -> bool {
    with(|allocator| allocator.bypass_stock)
}

/// Uses the running task's count, which lies in its context, and so ends with it. At boot, when
/// there are no tasks, none is kept.
fn with_count_of_task<R>(work: impl FnOnce(&mut FailIn) -> R) -> R {
    // SAFETY: null, or the context of whoever is on the CPU, whose count is only used here.
    let left = unsafe { switch::current().as_ref() }.map(|context| &context.fail_in);
    let mut count = FailIn(left.map_or(0, Cell::get));
    let result = work(&mut count);
    if let Some(left) = left {
        left.set(count.0);
    }
    result
}

fn keep_or_release(stock: Option<&mut Stock>, books: &mut Frames<'_>, frame: Frame) {
    if stock.is_some_and(|stock| stock.put(frame).is_ok()) {
        return;
    }
    let released = books.release(frame);
    assert!(released.is_ok(), "frame {:#x} given back: {released:?}", frame.address());
}

fn with<R>(work: impl FnOnce(&mut Allocator) -> R) -> R {
    ALLOCATOR.with(|allocator| {
        let allocator = allocator.as_mut();
        #[expect(clippy::expect_used, reason = "boot sets it up before anything can ask")]
        work(allocator.expect("no frame is asked for before memory::init"))
    })
}

fn to_phys(frame: Frame) -> PhysFrame {
    PhysFrame::containing_address(PhysAddr::new_truncate(frame.address()))
}

fn from_phys(frame: PhysFrame) -> Frame {
    Frame::containing(frame.start_address().as_u64())
}
