//! `scarce`: makes every page allocation of each operation that needs some fail in turn, and sees
//! that the operation says so and works the next time. What is lost shows at power-off.
//! (`scarce touch N` and `scarce sleep` are what it starts, to have somebody else do something.)
//!
//! Needs `fail=calls` on the kernel command line. Exits 1 when an operation does something else.
#![no_std]
#![no_main]

use core::cell::UnsafeCell;

use ulib::abi::layout::{MAP_READ, MAP_WRITE, PAGE_SIZE};
use ulib::abi::records::{CODE_KILLED, CODE_OUT_OF_MEMORY};
use ulib::process::{self, Pid};
use ulib::{Args, Errno, FAILED, USAGE, machine, memory, println, sys, task_entry, time};

ulib::entry!(main);

/// What an operation made, to be taken back.
enum Made {
    Nothing,
    Memory(core::ptr::NonNull<u8>, u64),
    Process(Pid),
}

/// What is done while an allocation fails.
type Operation = fn(nth: u64) -> Result<Made, Errno>;

const OPERATIONS: &[(&str, Operation)] = &[
    ("spawn of a new program", |_| start("sleep", &["sleep", "1000"])),
    ("spawn of a known program", |_| start("scarce", &["scarce", "sleep", LONG, LONG, LONG])),
    ("map of a page", |_| map(1)),
    ("map of 600 pages", |_| map(600)),
    ("task_create", |_| process::task_create(task_entry!(sleep_for_ever), 0).map(Made::Process)),
    ("first touch by a call", |_| {
        let page = UNTOUCHED.page().expose_provenance() as u64;
        // SAFETY: the call writes that page at most, and nothing else uses it.
        sys::check(unsafe { sys::trace(0, page, PAGE_SIZE) }).map(|_| Made::Nothing)
    }),
];

/// An argument of which three go over the end of a page.
const LONG: &str = match core::str::from_utf8(&[b'x'; 1200]) {
    Ok(text) => text,
    Err(_) => "",
};

/// Bytes in a page.
const PAGE: usize = 4096;
const _: () = assert!(PAGE as u64 == PAGE_SIZE, "a page is a page");

/// Two pages that nobody has touched, wherever they begin.
struct Untouched(UnsafeCell<[u8; 3 * PAGE]>);

// SAFETY: only its address is used, and each byte is written by one operation at a time.
unsafe impl Sync for Untouched {}

static UNTOUCHED: Untouched = Untouched(UnsafeCell::new([0; 3 * PAGE]));

impl Untouched {
    /// The first of the pages that lie in it as a whole.
    fn page(&self) -> *mut u8 {
        let start: *mut u8 = self.0.get().cast();
        start.wrapping_add(start.align_offset(PAGE))
    }
}

fn main(args: Args) -> i64 {
    touch_stack();
    let done = match (args.get(1), args.number(2), args.count()) {
        (None, _, 1) => OPERATIONS.iter().try_for_each(|(name, operation)| sweep(name, *operation)),
        (Some("touch"), Some(nth), 3) => return touch(nth),
        (Some("sleep"), ..) => return sleep_for_ever(0),
        _ => {
            println!("usage: scarce");
            return USAGE;
        }
    };
    match done.and_then(|()| touches()).and_then(|()| others()).and_then(|()| ends()) {
        Ok(()) => 0,
        Err(errno) => {
            println!("scarce: {}", errno.name());
            FAILED
        }
    }
}

/// Touches the pages of the stack that are going to be used: none of their allocations shall fail.
#[inline(never)]
fn touch_stack() {
    core::hint::black_box([0_u8; 16 * PAGE]);
}

/// Does `operation` until none of its allocations is left to fail.
fn sweep(name: &str, operation: Operation) -> Result<(), Errno> {
    for nth in 1.. {
        machine::fail(nth)?;
        let made = operation(nth);
        let left = machine::fail(0)?;
        match made {
            Ok(made) if left > 0 => {
                println!("scarce: {name}: {} allocations", nth - left);
                return take_back(made);
            }
            Err(Errno::Error) if left == 0 => {}
            Ok(_) => {
                println!("scarce: {name}: works without allocation {nth}");
                return Err(Errno::Invalid);
            }
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn take_back(made: Made) -> Result<(), Errno> {
    match made {
        Made::Nothing => Ok(()),
        // SAFETY: nothing refers to the memory.
        Made::Memory(start, bytes) => unsafe { memory::unmap(start, bytes) },
        Made::Process(pid) => {
            process::kill(pid)?;
            process::task_wait(pid).map(drop)
        }
    }
}

fn start(name: &str, args: &[&str]) -> Result<Made, Errno> {
    process::spawn(name, args).map(Made::Process)
}

fn map(pages: u64) -> Result<Made, Errno> {
    let bytes = pages * PAGE_SIZE;
    memory::map(bytes, MAP_READ | MAP_WRITE).map(|start| Made::Memory(start, bytes))
}

fn sleep_for_ever(_: u64) -> i64 {
    loop {
        let _ = time::sleep(u64::MAX);
    }
}

/// `scarce touch NTH`: touches a page while the NTH allocation fails; exits with what is left.
fn touch(nth: u64) -> i64 {
    if machine::fail(nth).is_err() {
        return FAILED;
    }
    // SAFETY: the page is the program's, and nothing else uses it.
    unsafe { UNTOUCHED.page().write_volatile(1) };
    machine::fail(0).map_or(FAILED, |left| left.cast_signed())
}

/// A page that cannot be had when it is touched ends the program, with a code of its own.
fn touches() -> Result<(), Errno> {
    for (nth, code) in [("1", CODE_OUT_OF_MEMORY), ("2", 1)] {
        let pid = process::spawn("scarce", &["scarce", "touch", nth])?;
        let ended = process::task_wait(pid)?;
        if ended != code {
            println!("scarce: first touch, allocation {nth} failing: code {ended}");
            return Err(Errno::Invalid);
        }
    }
    Ok(())
}

/// The allocations of another task, which has a count of its own, are none of this one's.
fn others() -> Result<(), Errno> {
    let pid = process::spawn("scarce", &["scarce", "touch", "9"])?;
    machine::fail(1)?;
    let code = process::task_wait(pid)?;
    let left = machine::fail(0)?;
    if (code, left) == (8, 1) {
        return Ok(());
    }
    println!("scarce: another task had {code} of 9 allocations left, this one {left} of 1");
    Err(Errno::Invalid)
}

/// To end a process and to wait for it take no allocation at all.
fn ends() -> Result<(), Errno> {
    let pid = process::spawn("scarce", &["scarce", "sleep"])?;
    machine::fail(1)?;
    process::kill(pid)?;
    let code = process::task_wait(pid)?;
    let left = machine::fail(0)?;
    if (code, left) == (CODE_KILLED, 1) { Ok(()) } else { Err(Errno::Invalid) }
}
