//! The leak check: what is in use at power-off against what was in use before the first spawn.

use crate::console::log;
use crate::memory;
use crate::sched::TABLE;
use crate::sync::{Lock, Order};

#[derive(Clone, Copy)]
struct InUse {
    frames: i64,
    heap_bytes: i64,
    processes: i64,
}

static BEFORE: Lock<InUse> =
    Lock::new(Order::Launcher, InUse { frames: 0, heap_bytes: 0, processes: 0 });

/// Remembers what is in use now.
pub(crate) fn remember() {
    let now = in_use();
    BEFORE.with(|before| *before = now);
}

/// Compares, writes the line that tests read, and says whether nothing was lost.
pub(crate) fn check() -> bool {
    let now = in_use();
    let before = BEFORE.with(|before| *before);
    let (frames, heap_bytes, processes) = (
        now.frames - before.frames,
        now.heap_bytes - before.heap_bytes,
        now.processes - before.processes,
    );
    log(format_args!(
        "[kernel] leak check: frames {frames}, heap bytes {heap_bytes}, processes {processes}"
    ));
    (frames, heap_bytes, processes) == (0, 0, 0)
}

fn in_use() -> InUse {
    InUse {
        frames: count(memory::frames::counts().used() as usize),
        heap_bytes: count(memory::heap::used_bytes()),
        processes: count(TABLE.with(|table| table.len())),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
