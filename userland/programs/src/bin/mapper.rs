//! `mapper ROUNDS SEED`: maps, fills, checks and unmaps memory of random sizes across yields.
//! `mapper keep PAGES`: fills that many pages and ends without giving them back.
//! `mapper limit`: maps until the kernel refuses, gives all back, and maps the same again.
//!
//! Exits 1 when memory is not zero, not its own, or not where it must be.
#![no_std]
#![no_main]

use core::ptr::NonNull;
use core::slice;

use programs::Random;
use ulib::abi::layout::{MAP_BASE, MAP_READ, MAP_WRITE, PAGE_SIZE, USER_END};
use ulib::{Args, Errno, FAILED, USAGE, memory, println, process};

ulib::entry!(main);

fn main(args: Args) -> i64 {
    let done = match (args.get(1), args.number(1), args.number(2), args.count()) {
        (Some("keep"), _, Some(pages), 3) => keep(pages),
        (Some("limit"), _, _, 2) => limit(),
        (_, Some(rounds), Some(seed), 3) => churn(rounds, &mut Random::new(seed)),
        _ => {
            println!("usage: mapper ROUNDS SEED | mapper keep PAGES | mapper limit");
            return USAGE;
        }
    };
    match done {
        Ok(()) => 0,
        Err(why) => {
            println!("mapper: {why}");
            FAILED
        }
    }
}

/// Writable memory from `map`; given back when it goes out of scope.
struct Mapping {
    start: NonNull<u8>,
    bytes: u64,
}

impl Mapping {
    fn new(pages: u64) -> Result<Self, Errno> {
        let bytes = pages.checked_mul(PAGE_SIZE).ok_or(Errno::Invalid)?;
        let start = memory::map(bytes, MAP_READ | MAP_WRITE)?;
        Ok(Self { start, bytes })
    }

    fn address(&self) -> u64 {
        self.start.as_ptr().expose_provenance() as u64
    }

    /// Whether it lies where the contract places anonymous memory, on whole pages.
    fn is_well_placed(&self) -> bool {
        let address = self.address();
        address.is_multiple_of(PAGE_SIZE) && address >= MAP_BASE && address <= USER_END - self.bytes
    }

    fn words(&mut self) -> &mut [u64] {
        let words = usize::try_from(self.bytes).unwrap_or(0) / size_of::<u64>();
        // SAFETY: the kernel mapped that many bytes for this program alone, at a page boundary,
        // and they stay until `self` is dropped.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr().cast(), words) }
    }

    fn fill(&mut self, seed: u64) {
        let mut random = Random::new(seed);
        self.words().fill_with(|| random.next());
    }

    fn holds(&mut self, seed: u64) -> bool {
        let mut random = Random::new(seed);
        self.words().iter().all(|&word| word == random.next())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from `self` any more.
        if let Err(errno) = unsafe { memory::unmap(self.start, self.bytes) } {
            println!("mapper: unmap: {}", errno.name());
        }
    }
}

/// Up to eight mappings at a time, each filled with what its seed says.
fn churn(rounds: u64, random: &mut Random) -> Result<(), &'static str> {
    let mut slots: [Option<(Mapping, u64)>; 8] = [const { None }; 8];
    for _ in 0..rounds {
        let [slot, pages, seed] = [random.next() % 8, 1 + random.below(16), random.next()];
        let slot = &mut slots[usize::try_from(slot).unwrap_or(0)];
        if let Some((mut mapping, seed)) = slot.take()
            && !mapping.holds(seed)
        {
            return Err("memory has changed");
        }
        let mut mapping = Mapping::new(pages).map_err(Errno::name)?;
        if !mapping.is_well_placed() {
            return Err("memory is not where it must be");
        }
        if mapping.words().iter().any(|&word| word != 0) {
            return Err("new memory is not zero");
        }
        mapping.fill(seed);
        *slot = Some((mapping, seed));
        process::yield_now();
    }
    for (mut mapping, seed) in slots.into_iter().flatten() {
        if !mapping.holds(seed) {
            return Err("memory has changed");
        }
        let address = mapping.address();
        drop(mapping);
        if is_readable(address) {
            return Err("unmapped memory is still there");
        }
    }
    Ok(())
}

/// Whether the kernel finds a byte at `address`: `log` of an address it cannot read fails.
fn is_readable(address: u64) -> bool {
    // SAFETY: the call only reads memory.
    let raw = unsafe { ulib::sys::log(address, 1) };
    raw != Errno::Fault.code()
}

fn keep(pages: u64) -> Result<(), &'static str> {
    let mut mapping = Mapping::new(pages).map_err(Errno::name)?;
    mapping.fill(pages);
    core::mem::forget(mapping);
    Ok(())
}

/// Pages that `limit` maps at a time.
const STEP: u64 = 64;

fn limit() -> Result<(), &'static str> {
    let first = map_all()?;
    let second = map_all()?;
    println!("mapper: {} pages, then {} pages", first * STEP, second * STEP);
    if second < first { Err("memory was lost") } else { Ok(()) }
}

/// How often `STEP` pages can be mapped before the kernel refuses; all are given back.
fn map_all() -> Result<u64, &'static str> {
    const MAX: usize = 4096;
    let mut mappings = [const { None }; MAX];
    for (count, slot) in (0..).zip(&mut mappings) {
        match Mapping::new(STEP) {
            Ok(mapping) => *slot = Some(mapping),
            Err(Errno::Error) => return Ok(count),
            Err(other) => return Err(other.name()),
        }
    }
    Err("there is no limit")
}
