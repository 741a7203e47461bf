//! `registers ROUNDS SEED`: fills every register that a program has with patterns of its own, makes
//! a call, and checks that all of them came back; ROUNDS times, mostly with `yield_now`.
//! `registers ROUNDS SEED ticks`: makes no call but lets time pass instead, for the timer to come.
//!
//! Several with different seeds side by side show that the switch keeps them apart. Exits 0, or 1
//! after naming the first register that differs.
#![no_std]
#![no_main]

mod call;
mod probe;

use programs::{Random, cpu};
use ulib::{Args, FAILED, USAGE, println, process};

use call::Call;
use probe::{GENERAL, R11, RAX, RCX, State};

ulib::entry!(main);

/// The flags that belong to a program, but for TF: ID AC NT OF DF SF ZF AF PF CF.
const PROGRAM_FLAGS: u64 = 0x24_4cd5;
/// The flags that are always set in ring 3: IF and the reserved bit.
const FIXED_FLAGS: u64 = 0x202;
/// MXCSR with every exception masked and nothing else set.
const MXCSR_MASKED: u64 = 0x1f80;
/// The parts of MXCSR that vary: rounding, flush to zero, denormals are zero, sticky flags.
const MXCSR_VARIES: u64 = 0xe07f;
/// x87 control word with every exception masked, extended precision.
const X87_MASKED: u64 = 0x37f;
/// The part of it that varies: rounding.
const X87_VARIES: u64 = 0xc00;

fn main(args: Args) -> i64 {
    let ticks = match (args.get(3), args.count()) {
        (None, 3) => false,
        (Some("ticks"), 4) => true,
        _ => return usage(),
    };
    let (Some(rounds), Some(seed)) = (args.number(1), args.number(2)) else {
        return usage();
    };
    let avx = cpu::has_avx();
    let mut random = Random::new(seed);
    for round in 0..rounds {
        let call = Call::of_round(round);
        let want = patterns(&mut random, &call);
        let got = run_through(&want, avx, ticks);
        let expected = if ticks { want } else { after(&call, &want, &got) };
        if let Err(difference) = compare(&expected, &got, avx) {
            let Difference { name, index, want, got } = difference;
            println!(
                "registers: round {round}, call {:#x}: {name}{index} is {got:#x}, must be {want:#x}",
                call.number
            );
            return FAILED;
        }
    }
    let vectors = if avx { "ymm" } else { "xmm" };
    println!("registers: {rounds} rounds, seed {seed}, {vectors}: all kept");
    if ticks {
        let stats = process::stats(process::getpid()).unwrap_or_default();
        println!("registers: preempted {} times", stats.switches_forced);
    }
    0
}

fn usage() -> i64 {
    println!("usage: registers ROUNDS SEED [ticks]");
    USAGE
}

/// A state full of random bits, within what the CPU accepts.
fn patterns(random: &mut Random, call: &Call) -> State {
    let data_selector = cpu::data_selector();
    let general = call.fill(random);
    let mut words = |mask: u64| random.next() & mask;
    State {
        general,
        flags: words(PROGRAM_FLAGS) | FIXED_FLAGS,
        segments: [0; 4].map(|_: u64| words(1) * data_selector),
        mxcsr: words(MXCSR_VARIES) | MXCSR_MASKED,
        x87_control: words(X87_VARIES) | X87_MASKED,
        x87_status: 0,
        x87: [0; 8].map(|_: u64| words(u64::MAX)),
        vectors: [[0; 4]; 16].map(|vector| vector.map(|_: u64| words(u64::MAX))),
        after: 0,
    }
}

/// Loads `want`, makes the call or lets time pass, and returns what is there then.
fn run_through(want: &State, avx: bool, ticks: bool) -> State {
    let mut got = *want;
    // What must come back is not there beforehand.
    got.x87 = [0; 8];
    got.vectors = [[0; 4]; 16];
    let probe = match (ticks, avx) {
        (false, true) => probe::call_avx,
        (false, false) => probe::call_sse,
        (true, true) => probe::wait_avx,
        (true, false) => probe::wait_sse,
    };
    // SAFETY: `Call` chooses only harmless calls, `patterns` only valid selectors and masked
    // control words, and `avx` says what the kernel enabled.
    unsafe { probe(want, &raw mut got) };
    got
}

/// What must be there after a call: what was there before, but for three registers.
fn after(call: &Call, want: &State, got: &State) -> State {
    let mut expected = *want;
    expected.general[RAX] = call.result.map_or(got.general[RAX], i64::cast_unsigned);
    // `syscall` itself leaves these two, and the kernel must not put anything else there.
    expected.general[RCX] = got.after;
    expected.general[R11] = want.flags;
    expected
}

/// The first register that is not what it must be.
struct Difference {
    name: &'static str,
    /// Which of several of that name; empty when there is one.
    index: Index,
    want: u64,
    got: u64,
}

/// The end of a register's name.
struct Index(Option<usize>);

impl core::fmt::Display for Index {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.map_or(Ok(()), |index| write!(out, "{index}"))
    }
}

fn compare(want: &State, got: &State, avx: bool) -> Result<(), Difference> {
    for ((name, want), got) in GENERAL.into_iter().zip(want.general).zip(got.general) {
        same(name, None, want, got)?;
    }
    same("rflags", None, want.flags, got.flags)?;
    let segments = want.segments.into_iter().zip(got.segments);
    for (name, (want, got)) in ["ds", "es", "fs", "gs"].into_iter().zip(segments) {
        same(name, None, want, got)?;
    }
    same("mxcsr", None, want.mxcsr, got.mxcsr)?;
    same("x87 control word", None, want.x87_control, got.x87_control)?;
    same("x87 status word", None, want.x87_status, got.x87_status)?;
    for (index, (want, got)) in want.x87.into_iter().zip(got.x87).enumerate() {
        same("st", Some(index), want, got)?;
    }
    let (name, words) = if avx { ("ymm", 4) } else { ("xmm", 2) };
    for (index, (want, got)) in want.vectors.iter().zip(&got.vectors).enumerate() {
        for (&want, &got) in want.iter().zip(got).take(words) {
            same(name, Some(index), want, got)?;
        }
    }
    Ok(())
}

fn same(name: &'static str, index: Option<usize>, want: u64, got: u64) -> Result<(), Difference> {
    if want == got {
        return Ok(());
    }
    Err(Difference { name, index: Index(index), want, got })
}
