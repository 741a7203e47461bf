//! The life of processes: start, end, being waited for, and what one that does nothing holds.

use core::sync::atomic::{AtomicU64, Ordering};

use ulib::{machine, process, task_entry};

use crate::Refusal;
use crate::clock::{Clock, now};
use crate::crowd::Crowd;
use crate::policy;
use crate::samples::{Samples, value};

/// `task_wait` for a task of this program that is ready and ends at once: blocks, the other begins
/// and ends, wakes. Also by halves: from the call to the other's first instruction, and from the
/// other's `exit` to the return.
pub(crate) fn wait_block_wake(clock: &Clock) -> Result<(), Refusal> {
    static BEGUN: AtomicU64 = AtomicU64::new(0);
    fn ends(_argument: u64) -> i64 {
        BEGUN.store(now(), Ordering::Relaxed);
        0
    }
    let _policy = policy::during("cooperative", 0)?;
    let (mut samples, mut block, mut wake) = (Samples::new(), Samples::new(), Samples::new());
    for warm in 0..clock.samples(101, 201) + 5 {
        let task =
            process::task_create(task_entry!(ends), 0).map_err(|_| "no room for another task")?;
        let start = now();
        process::task_wait(task).map_err(|_| "the task is gone")?;
        let (end, begun) = (now(), BEGUN.load(Ordering::Relaxed));
        if warm >= 5 {
            samples.add(end - start, 1);
            block.add(begun - start, 1);
            wake.add(end - begun, 1);
        }
    }
    samples.report("wait_block_wake", clock.unit(), "wait");
    block.report("wait_block", clock.unit(), "switch");
    wake.report("exit_wake", clock.unit(), "exit");
    Ok(())
}

/// A small program in a process of its own, from `spawn` to the end of `task_wait`.
pub(crate) fn spawn_exit_wait(clock: &Clock) -> Result<(), Refusal> {
    let mut samples = Samples::new();
    for warm in 0..clock.samples(101, 201) + 5 {
        let start = now();
        let pid = process::spawn_block("tiny", b"tiny\0").map_err(|_| "tiny cannot be started")?;
        process::task_wait(pid).map_err(|_| "tiny is gone")?;
        let passed = now() - start;
        if warm >= 5 {
            samples.add(passed, 1);
        }
    }
    samples.report("spawn_exit_wait", clock.unit(), "process");
    Ok(())
}

/// Memory that a process takes that has run and now sleeps for ever: all of it, kernel stack, page
/// tables and its place in the kernel's tables included. Those are made at boot for as many tasks as
/// there can be: a place is counted as if they were all the kernel's heap holds.
pub(crate) fn memory_idle(_clock: &Clock) -> Result<(), Refusal> {
    const COUNT: usize = 1000;
    let free = || machine::system().map_or(0, |system| system.memory_free);
    let place = machine::system()
        .map_or(0, |system| system.heap_total.checked_div(system.tasks_max).unwrap_or(0));
    // What the first one leaves behind for all is not theirs.
    drop(Crowd::start(1, b"tiny\0idle\0")?);
    let before = free();
    let crowd = Crowd::start(COUNT, b"tiny\0idle\0")?;
    process::yield_now();
    let bytes = before - free();
    drop(crowd);
    value("memory_idle.processes", COUNT as u64 * 1000, "");
    let thousandths = (bytes / COUNT as u64 + place) * 1000 / 1024;
    value("memory_idle.KiB_per_process", thousandths, "KiB");
    Ok(())
}
