//! `fuzz SEED COUNT`: COUNT random calls with random arguments. The same seed makes the same choices.
//!
//! Left out is only what would end the test or last for ever: see [`tame`]. Exits 1 when the kernel
//! answers with something that is not in the contract, when a call that it refuses has written to
//! memory, or when its kernel stack was used to the half.
#![no_std]
#![no_main]

mod tame;

use programs::{Random, edge};
use ulib::abi::layout::{IMAGE_BASE, PAGE_SIZE, USER_END};
use ulib::abi::{Errno, Sysno};
use ulib::{Args, FAILED, USAGE, println, process, sys};

use tame::Tame;

ulib::entry!(main);

/// Bytes of the stack that the kernel has for each task.
const KERNEL_STACK: u64 = 16 << 10;

fn main(args: Args) -> i64 {
    let (Some(seed), Some(count), 3) = (args.number(1), args.number(2), args.count()) else {
        println!("usage: fuzz SEED COUNT");
        return USAGE;
    };
    let Some(scratch) = edge::take() else {
        return FAILED;
    };
    let pid = process::getpid();
    let mut fuzz =
        Fuzz { random: Random::new(seed), tame: Tame::new(scratch), pid, answers: [0; 2] };
    for round in 0..count {
        let (number, args) = fuzz.random_call();
        let Some((number, args)) = fuzz.tame.tame(&mut fuzz.random, number, args) else {
            continue;
        };
        let [a, b, c, d, e, f] = args;
        // SAFETY: pointers that the kernel may write through lead into the scratch memory only, or
        // nowhere; `tame` keeps the calls that would harm this program or never return.
        let result = unsafe { sys::syscall(number, a, b, c, d, e, f) };
        if !is_in_contract(number, args, result) {
            println!("fuzz: round {round}: call {number:#x} {args:x?} gave {result:#x}");
            return FAILED;
        }
        if result < 0 && !fuzz.tame.is_untouched(args) {
            println!("fuzz: round {round}: call {number:#x} {args:x?} is refused and wrote");
            return FAILED;
        }
        fuzz.answers[usize::from(result < 0)] += 1;
        fuzz.tame.clean_up(number, args, result);
    }
    let [good, errors] = fuzz.answers;
    let stack = process::stats(process::getpid()).unwrap_or_default().kernel_stack_high_water;
    println!("fuzz: seed {seed}: {good} succeeded, {errors} refused, {stack} bytes of stack used");
    if stack < KERNEL_STACK / 2 { 0 } else { FAILED }
}

struct Fuzz {
    random: Random,
    tame: Tame,
    pid: process::Pid,
    /// How many calls succeeded, and how many did not.
    answers: [u64; 2],
}

impl Fuzz {
    fn random_call(&mut self) -> (u64, [u64; 6]) {
        let known = Sysno::ALL.len() as u64;
        let number = match self.random.below(16) {
            0 => self.value(),
            _ => self.random.below(known),
        };
        (number, [0; 6].map(|_: u64| self.value()))
    }

    /// A number that is likely to hit an edge.
    fn value(&mut self) -> u64 {
        let scratch = self.tame.scratch();
        let random = &mut self.random;
        match random.below(14) {
            0 => random.below(4),
            1 => random.below(64),
            2 => random.below(2 * PAGE_SIZE),
            3 => 1 << random.below(64),
            4 => (1 << random.below(64)) - 1,
            5 => u64::MAX - random.below(64),
            6 => scratch.start + random.below(scratch.end - scratch.start),
            7 => scratch.start,
            8 => scratch.end - random.below(64),
            9 => USER_END - random.below(2 * PAGE_SIZE),
            10 => random.next() | 0xffff_8000_0000_0000,
            11 => IMAGE_BASE + random.below(64),
            12 => self.pid,
            _ => random.next(),
        }
    }
}

/// Whether the contract has such an answer to that call.
fn is_in_contract(number: u64, args: [u64; 6], result: i64) -> bool {
    match Sysno::from_number(number) {
        None => result == Errno::NotImplemented.code(),
        // With a null pointer, the result is any exit code.
        Some(Sysno::TaskWait) if args[1] == 0 => true,
        Some(_) => result >= 0 || Errno::from_code(result).is_some(),
    }
}
