//! Which random calls are made as they are, which are changed a little, and what is cleaned up.

use core::ops::Range;

use programs::Random;
use ulib::abi::Sysno;
use ulib::abi::layout::{IMAGE_BASE, IO_MAX, MAP_WRITE, PAGE_SIZE};
use ulib::abi::sched::{ASK, SET_WEIGHT};
use ulib::process::{self, Pid};
use ulib::{sys, task_entry};

/// Longest sleep, in nanoseconds.
const SLEEP_MAX: u64 = 1 << 12;

/// Longest mapping of most, in bytes: zeroing pages is what takes long.
const MAP_MOST: u64 = 16 * PAGE_SIZE;

/// What the scratch memory is filled with.
const FILL: u64 = 0xa5a5_a5a5_a5a5_a5a5;

/// Keeps the calls from ending the program, waiting for ever, filling the screen, and touching
/// processes or settings that are not its own.
pub(crate) struct Tame {
    /// Memory that calls may write to, where it lies, and what is in it.
    scratch: Range<u64>,
    words: &'static mut [u64],
    /// The last task or program started, until it has been waited for; else 0.
    child: Pid,
}

impl Tame {
    pub(crate) fn new(scratch: &'static mut [u8]) -> Self {
        let start = scratch.as_mut_ptr().expose_provenance() as u64;
        let end = start + scratch.len() as u64;
        // SAFETY: every bit pattern is a word.
        let (_, words, _) = unsafe { scratch.align_to_mut() };
        words.fill(FILL);
        Self { scratch: start..end, words, child: 0 }
    }

    /// Whether the scratch memory that arguments point to is as it was filled; of each the first
    /// bytes, where a call would begin to write.
    pub(crate) fn is_untouched(&self, args: [u64; 6]) -> bool {
        const LOOKED_AT: usize = 8;
        let inside = args.into_iter().filter(|arg| self.scratch.contains(arg));
        inside.map(|arg| (arg - self.scratch.start) / size_of::<u64>() as u64).all(|first| {
            let from = self.words.get(usize::try_from(first).unwrap_or(usize::MAX)..);
            // The compiler cannot know that the kernel may have written there.
            let words = core::hint::black_box(from.unwrap_or_default());
            words.iter().take(LOOKED_AT).all(|&word| word == FILL)
        })
    }

    pub(crate) fn scratch(&self) -> Range<u64> {
        self.scratch.clone()
    }

    /// The call as it may be made; `None` when it may not.
    pub(crate) fn tame(
        &self,
        random: &mut Random,
        number: u64,
        mut args: [u64; 6],
    ) -> Option<(u64, [u64; 6])> {
        let [first, second, third, ..] = &mut args;
        match Sysno::from_number(number) {
            Some(Sysno::Exit | Sysno::ClearScreen) => return None,
            Some(Sysno::Log) if self.is_readable(*first, *second) => *second = 0,
            Some(Sysno::Write) if self.is_readable(*second, *third) => *third = 0,
            // It would wait for a person.
            Some(Sysno::Read) if *first == 0 && self.scratch.contains(second) => *first = 3,
            Some(Sysno::TaskCreate) if random.below(32) == 0 => *first = harmless_task(),
            Some(Sysno::Spawn) if random.below(64) == 0 => args = harmless_program(),
            Some(Sysno::TaskWait) if random.below(2) == 0 => *first = self.child,
            Some(Sysno::Kill) if random.below(4) == 0 => *first = self.child,
            // Anybody else is another program's, and for the first one fair game.
            Some(Sysno::Kill) => *first |= 1 << 63,
            Some(Sysno::Sleep) if random.below(16) == 0 => *first %= SLEEP_MAX,
            Some(Sysno::Sleep) => *first = 0,
            Some(Sysno::Map) if random.below(16) != 0 => *first %= MAP_MOST,
            // Other operations would choose a policy for everybody.
            Some(Sysno::Sched) => {
                *first = match *first % 4 {
                    0 => ASK,
                    1 => SET_WEIGHT,
                    _ => *first | 1 << 63,
                }
            }
            _ => {}
        }
        Some((number, args))
    }

    /// Undoes what a call that succeeded did.
    pub(crate) fn clean_up(&mut self, number: u64, args: [u64; 6], result: i64) {
        let Ok(value) = u64::try_from(result) else {
            return;
        };
        if !self.is_untouched(args) {
            self.words.fill(FILL);
        }
        match Sysno::from_number(number) {
            Some(Sysno::TaskCreate | Sysno::Spawn) => {
                if self.child != 0 {
                    // It may have been killed or waited for: then there is nothing to do.
                    let _ = process::task_wait(self.child);
                }
                self.child = value;
            }
            Some(Sysno::Map) => {
                let [length, rights, ..] = args;
                touch(value, rights);
                // SAFETY: nobody but this program knows of the memory, and it has no use for it.
                unsafe { sys::unmap(value, length) };
            }
            _ => {}
        }
    }

    /// Whether `write` and `log` would print it: part of the image, which ends with the scratch
    /// memory, and of a length they take.
    fn is_readable(&self, start: u64, length: u64) -> bool {
        let image = IMAGE_BASE..self.scratch.end;
        let end = start.saturating_add(length);
        (1..=IO_MAX).contains(&length) && image.contains(&start) && end <= image.end
    }
}

/// Writes to the first byte of new memory, if its rights allow that.
fn touch(address: u64, rights: u64) {
    if rights & MAP_WRITE == 0 {
        return;
    }
    let Ok(address) = usize::try_from(address) else {
        return;
    };
    let byte: *mut u8 = core::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the kernel has just mapped this byte for this program, writable.
    unsafe { byte.write_volatile(1) };
}

/// The entry point of a task that ends at once.
fn harmless_task() -> u64 {
    task_entry!(end).address()
}

/// The arguments of `spawn` for a program that ends at once.
fn harmless_program() -> [u64; 6] {
    const NAME: &[u8] = b"exitcode";
    const ARGUMENTS: &[u8] = b"exitcode\x000\0";
    let [name, arguments] =
        [NAME, ARGUMENTS].map(|bytes| bytes.as_ptr().expose_provenance() as u64);
    [name, NAME.len() as u64, arguments, ARGUMENTS.len() as u64, 0, 0]
}

fn end(_: u64) -> i64 {
    0
}
