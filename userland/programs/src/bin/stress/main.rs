//! `stress COUNT SEED`: starts COUNT programs in all, a few at a time; lets some end by themselves
//! and kills the others at random moments, and checks how each ended. `stress MODE` is what it
//! starts: see [`victim`]. Exits 1 when one did not end the way it must.
#![no_std]
#![no_main]

mod victim;

use programs::Random;
use ulib::abi::records::CODE_KILLED;
use ulib::process::{self, Pid};
use ulib::{Args, Errno, FAILED, USAGE, println};

use victim::Mode;

ulib::entry!(main);

/// Most victims alive at a time.
const ALIVE: usize = 8;

fn main(args: Args) -> i64 {
    if let Some(mode) = args.get(1).and_then(Mode::from_name) {
        return victim::live(mode);
    }
    let (Some(count), Some(seed), 3) = (args.number(1), args.number(2), args.count()) else {
        println!("usage: stress COUNT SEED | stress MODE");
        return USAGE;
    };
    let mut random = Random::new(seed);
    let mut victims: [Option<Victim>; ALIVE] = [const { None }; ALIVE];
    let mut tally = Tally::default();
    for _ in 0..count {
        let slot = &mut victims[usize::try_from(random.next()).unwrap_or(0) % ALIVE];
        if let Some(victim) = slot.take() {
            victim.end(&mut random, &mut tally);
        }
        match Victim::start(&mut random) {
            Ok(victim) => *slot = Some(victim),
            Err(Errno::Error) => tally.refused += 1,
            Err(other) => {
                println!("stress: spawn: {}", other.name());
                tally.wrong += 1;
            }
        }
        for _ in 0..random.below(4) {
            process::yield_now();
        }
    }
    for victim in victims.into_iter().flatten() {
        victim.end(&mut random, &mut tally);
    }
    let Tally { exited, killed, refused, wrong } = tally;
    println!("stress: {exited} exited, {killed} killed, {refused} refused, {wrong} wrong");
    if wrong == 0 { 0 } else { FAILED }
}

/// How they ended.
#[derive(Default)]
struct Tally {
    exited: u64,
    killed: u64,
    refused: u64,
    wrong: u64,
}

/// A program that runs and will be ended.
struct Victim {
    pid: Pid,
    mode: Mode,
}

impl Victim {
    fn start(random: &mut Random) -> Result<Self, Errno> {
        let choice = usize::try_from(random.next()).unwrap_or(0) % Mode::ALL.len();
        let mode = Mode::ALL[choice];
        let pid = process::spawn("stress", &["stress", mode.name()])?;
        Ok(Self { pid, mode })
    }

    /// Kills it, unless it ends by itself and chance lets it.
    fn end(self, random: &mut Random, tally: &mut Tally) {
        let Self { pid, mode } = self;
        let spared = mode.ends_by_itself() && random.below(2) == 0;
        // Killing one that has ended already is refused; its own code is then what counts.
        let was_killed = !spared && process::kill(pid).is_ok();
        match (process::task_wait(pid), was_killed) {
            (Ok(CODE_KILLED), true) => tally.killed += 1,
            (Ok(victim::CODE), _) if mode.ends_by_itself() => tally.exited += 1,
            (ended, _) => {
                println!("stress: pid {pid} ({}) ended with {ended:?}", mode.name());
                tally.wrong += 1;
            }
        }
    }
}
