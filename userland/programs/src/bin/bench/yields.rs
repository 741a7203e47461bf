//! The yield switch: between address spaces, within one, and with nobody to switch to.

use ulib::process;
use ulib::task_entry;

use crate::clock::{Clock, now};
use crate::crowd::{Crowd, yields};
use crate::samples::{Samples, value};
use crate::{Refusal, calls, policy};

/// A yield of the only task that is ready: no switch.
pub(crate) fn alone(clock: &Clock) -> Result<(), Refusal> {
    calls::timed(clock, "yield_alone", process::yield_now);
    Ok(())
}

/// `count` processes, each in an address space of its own, this one included, all ready at once;
/// each yields for ever.
pub(crate) fn ring(clock: &Clock, name: &str, count: usize) -> Result<(), Refusal> {
    let _policy = policy::during("cooperative", 0)?;
    let crowd = Crowd::start(count - 1, b"tiny\0yield\0")?;
    let turns = Turns::of(clock, count);
    turns.warm_up();
    let before = crowd.yields();
    let mut samples = turns.timed();
    let yields = crowd.yields() - before;
    drop(crowd);
    samples.report(name, clock.unit(), "switch");
    // 1 means that every yield of each was a switch to the next.
    let expected = turns.total() * (count as u64 - 1);
    value(format_args!("{name}.yields_per_switch"), yields * 1000 / expected, "");
    Ok(())
}

/// Two tasks of one address space: the page tables stay.
pub(crate) fn same_space(clock: &Clock) -> Result<(), Refusal> {
    fn partner(_argument: u64) -> i64 {
        loop {
            process::yield_now();
        }
    }
    let _policy = policy::during("cooperative", 0)?;
    let partner =
        process::task_create(task_entry!(partner), 0).map_err(|_| "no room for another task")?;
    let turns = Turns::of(clock, 2);
    turns.warm_up();
    let before = yields(partner);
    let mut samples = turns.timed();
    let yields = yields(partner) - before;
    let _ = process::kill(partner);
    let _ = process::task_wait(partner);
    samples.report("yield_same_space", clock.unit(), "switch");
    value("yield_same_space.yields_per_switch", yields * 1000 / turns.total(), "");
    Ok(())
}

/// Turns of a ring of tasks that yield. The loop around the call is the shortest there is: two
/// instructions in each task, three in the one that keeps the time.
struct Turns {
    tasks: u64,
    /// In a sample.
    turns: u64,
    samples: usize,
    /// For how many ticks to warm up: QEMU keeps its table of translations as large as the work of the
    /// last tenth of a second wanted it, and clears all of it at each change of page tables.
    warm: u64,
}

impl Turns {
    fn of(clock: &Clock, tasks: usize) -> Self {
        let turns = match tasks {
            0..=2 => 100,
            3..=10 => 20,
            11..=100 => 4,
            _ => 1,
        };
        let warm = if clock.counts_instructions { 0 } else { clock.ticks(300_000) };
        Self { tasks: tasks as u64, turns, samples: clock.samples(41, 61), warm }
    }

    fn total(&self) -> u64 {
        self.turns * self.samples as u64
    }

    fn warm_up(&self) {
        let start = now();
        (0..4 * self.turns).for_each(|_| process::yield_now());
        while now() - start < self.warm {
            process::yield_now();
        }
    }

    fn timed(&self) -> Samples {
        let mut samples = Samples::new();
        for _ in 0..self.samples {
            let start = now();
            (0..self.turns).for_each(|_| process::yield_now());
            samples.add(now() - start, self.turns * self.tasks);
        }
        samples
    }
}
