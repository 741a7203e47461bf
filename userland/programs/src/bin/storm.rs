//! `storm DEPTH`: a process that starts two of its kind with DEPTH - 1, each of which does the same,
//! and waits for both: 2^(DEPTH + 1) - 1 processes, as fast as the kernel makes them. Where it
//! refuses one for want of room, or one starves because no frame is left for a page that it touches,
//! the storm goes on without. Exits 1 when anything else goes wrong.
#![no_std]
#![no_main]

use core::fmt::Write;

use ulib::abi::records::CODE_OUT_OF_MEMORY;
use ulib::text::Text;
use ulib::{Args, Errno, FAILED, USAGE, println, process};

ulib::entry!(main);

/// The word that tells a process of the storm from the one that a person started.
const BELOW: &str = "below";

fn main(args: Args) -> i64 {
    let (is_first, depth) = match (args.number(1), args.get(2), args.count()) {
        (Some(depth), None, 2) => (true, depth),
        (Some(depth), Some(BELOW), 3) => (false, depth),
        _ => {
            println!("usage: storm DEPTH");
            return USAGE;
        }
    };
    let Some(tally) = storm(depth) else {
        return FAILED;
    };
    if is_first {
        let Tally { started, refused, starved } = tally;
        println!("storm: {started} processes, {refused} refused, {starved} starved");
        return 0;
    }
    tally.to_code()
}

/// What became of a process and all below it.
#[derive(Default)]
struct Tally {
    started: i64,
    refused: i64,
    starved: i64,
}

impl Tally {
    /// Set in every code of a process that went well, and in no other.
    const MARK: i64 = 1 << 62;
    /// Bits of each count in a code.
    const BITS: u32 = 20;

    fn to_code(&self) -> i64 {
        let [first, second, third] = [self.started, self.refused, self.starved];
        Self::MARK | first << (2 * Self::BITS) | second << Self::BITS | third
    }

    fn from_code(code: i64) -> Option<Self> {
        let counts = code & !Self::MARK;
        let count = |place: u32| counts >> (place * Self::BITS) & ((1 << Self::BITS) - 1);
        let marked = code > 0 && counts != code;
        marked.then(|| Self { started: count(2), refused: count(1), starved: count(0) })
    }

    fn add(&mut self, other: &Self) {
        self.started += other.started;
        self.refused += other.refused;
        self.starved += other.starved;
    }
}

/// Starts what is below, waits for it, and adds it up. `None` when something went wrong.
fn storm(depth: u64) -> Option<Tally> {
    let mut tally = Tally { started: 1, ..Tally::default() };
    let Some(below) = depth.checked_sub(1) else {
        return Some(tally);
    };
    let mut text = Text::<20>::new();
    write!(text, "{below}").ok()?;
    let children = [(); 2].map(|()| process::spawn("storm", &["storm", text.as_str(), BELOW]));
    for child in children {
        match child {
            Err(Errno::Error) => tally.refused += 1,
            Err(other) => {
                println!("storm: {}", other.name());
                return None;
            }
            Ok(pid) => match process::task_wait(pid).unwrap_or(FAILED) {
                CODE_OUT_OF_MEMORY => tally.starved += 1,
                code => match Tally::from_code(code) {
                    Some(below) => tally.add(&below),
                    None => {
                        println!("storm: pid {pid} ended with code {code}");
                        return None;
                    }
                },
            },
        }
    }
    Some(tally)
}
