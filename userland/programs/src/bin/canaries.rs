//! `canaries`: what each call that writes to a program's memory leaves there: every byte it says it
//! wrote, and none beside. `canaries read` reads lines from the terminal in the same way, `word`
//! first. Exits 1 after one line for each thing that is wrong.
#![no_std]
#![no_main]

use ulib::abi::records::Stats;
use ulib::process::{self, Pid};
use ulib::{Args, FAILED, println, sys, task_entry};

ulib::entry!(main);

/// Bytes that a call gets to see, and those before and after them.
const ROOM: usize = 512;
const BESIDE: usize = 256;

/// What the memory is filled with, in turn: a byte that is left alone shows in one of them.
const FILLS: [u8; 2] = [0xa5, 0x5a];

fn main(args: Args) -> i64 {
    let mut tally = Tally::default();
    if args.get(1) == Some("read") {
        println!("canaries: type word, then another");
        tally.lines();
    } else {
        tally.records();
        tally.texts();
    }
    let Tally { checks, wrong } = tally;
    println!("canaries: {checks} checks, {wrong} wrong");
    if wrong == 0 { 0 } else { FAILED }
}

/// Memory around which the canaries sit.
struct Cage {
    bytes: [u8; BESIDE + ROOM + BESIDE],
    fill: u8,
}

impl Cage {
    fn new(fill: u8) -> Self {
        Self { bytes: [fill; BESIDE + ROOM + BESIDE], fill }
    }

    /// Where the room begins, for a call.
    fn address(&mut self) -> u64 {
        self.room().as_mut_ptr().expose_provenance() as u64
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[BESIDE..][..ROOM]
    }

    /// Whether all but the first `written` bytes of the room are as they were.
    fn is_untouched_beside(&self, written: usize) -> bool {
        let (before, after) = (&self.bytes[..BESIDE], &self.bytes[BESIDE + written..]);
        before.iter().chain(after).all(|&byte| byte == self.fill)
    }
}

#[derive(Default)]
struct Tally {
    checks: u32,
    wrong: u32,
}

impl Tally {
    fn expect(&mut self, what: &str, right: bool) {
        self.checks += 1;
        if !right {
            println!("canaries: wrong: {what}");
            self.wrong += 1;
        }
    }

    /// Lets `call` write to the room, for both fills; it returns how many bytes it wrote.
    fn watch(&mut self, what: &str, call: &mut dyn FnMut(u64) -> usize) {
        let mut cages = FILLS.map(Cage::new);
        let mut least = ROOM;
        for cage in &mut cages {
            let address = cage.address();
            let written = call(address);
            least = least.min(written);
            self.expect(what, written > 0 && written <= ROOM && cage.is_untouched_beside(written));
        }
        let [one, other] = &mut cages;
        let left = |(one, other): (&u8, &u8)| *one == FILLS[0] && *other == FILLS[1];
        let all_written = !one.room()[..least].iter().zip(other.room()).any(|(a, b)| left((a, b)));
        self.expect("every byte is written", all_written);
    }

    fn records(&mut self) {
        self.watch("stats", &mut |address| {
            // SAFETY: the call writes one record, and the room is larger.
            let stored = unsafe { sys::stats(process::getpid(), address) };
            if stored == 0 { size_of::<Stats>() } else { 0 }
        });
        self.watch("task_wait", &mut |address| {
            let child: Pid = process::task_create(task_entry!(end), 0).unwrap_or(0);
            // SAFETY: the call writes one word, and the room is larger.
            let pid = unsafe { sys::task_wait(child, address) };
            if pid.cast_unsigned() == child { size_of::<i64>() } else { 0 }
        });
    }

    /// The process table into rooms of every size: whole lines, and nothing beside.
    fn texts(&mut self) {
        for size in 1..=ROOM {
            for fill in FILLS {
                let mut cage = Cage::new(fill);
                let address = cage.address();
                // SAFETY: the room has `size` bytes or more.
                let written = unsafe { sys::ps(address, size as u64) };
                let written = usize::try_from(written).unwrap_or(usize::MAX);
                let fits = written <= size && cage.is_untouched_beside(written.min(ROOM));
                self.expect("ps keeps to its room", fits);
                let text = &cage.room()[..written.min(ROOM)];
                let lines = text.iter().all(|&byte| byte == b'\n' || (b' '..0x7f).contains(&byte));
                self.expect("ps writes lines", lines && (text.is_empty() || text.ends_with(b"\n")));
            }
        }
    }

    /// A line that fits, and one that takes two calls.
    fn lines(&mut self) {
        let mut read = |size: u64, want: &[u8]| {
            let mut cage = Cage::new(FILLS[0]);
            let address = cage.address();
            // SAFETY: the room has `size` bytes or more.
            let count = unsafe { sys::read(0, address, size) };
            let count = usize::try_from(count).unwrap_or(0);
            self.expect("read says how much", count == want.len());
            self.expect("read gives what was typed", cage.room().starts_with(want));
            self.expect("read writes nothing beside", cage.is_untouched_beside(want.len()));
        };
        read(ROOM as u64, b"word\n");
        read(4, b"anot");
        read(4, b"her\n");
    }
}

/// A task whose exit code has no byte of a fill.
fn end(_: u64) -> i64 {
    0
}
