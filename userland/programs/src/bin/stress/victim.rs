//! What a victim does while it waits to be killed: one mode for each state a process can be in.

use core::hint;

use ulib::abi::layout::{MAP_READ, MAP_WRITE, NANOS_PER_SEC, PAGE_SIZE, STACK_SIZE};
use ulib::{io, memory, process, task_entry, time};

/// The exit code of a victim that ended by itself.
pub(crate) const CODE: i64 = 4711;

/// What a victim does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Ends at once.
    Exit,
    /// Is ready or runs, for a while.
    Yield,
    /// Is blocked in `read`.
    Read,
    /// Is blocked in `task_wait`, for a task that yields for a while.
    Wait,
    /// Is blocked in `sleep`, or where that is not implemented ends.
    Sleep,
    /// Holds mapped memory and a deep stack while it yields.
    Hold,
}

impl Mode {
    pub(crate) const ALL: [Self; 6] =
        [Self::Exit, Self::Yield, Self::Read, Self::Wait, Self::Sleep, Self::Hold];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Yield => "yield",
            Self::Read => "read",
            Self::Wait => "wait",
            Self::Sleep => "sleep",
            Self::Hold => "hold",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Whether nobody has to kill it.
    pub(crate) const fn ends_by_itself(self) -> bool {
        match self {
            Self::Exit | Self::Yield | Self::Wait | Self::Sleep | Self::Hold => true,
            Self::Read => false,
        }
    }
}

/// Does what `mode` says.
pub(crate) fn live(mode: Mode) -> i64 {
    /// Yields before a victim ends by itself.
    const WHILE: u64 = 20;
    match mode {
        Mode::Exit => {}
        Mode::Yield => yield_often(WHILE),
        Mode::Read => {
            // The console may have something to read, or nothing ever again.
            let mut byte = [0];
            while io::read(&mut byte).is_ok() {
                process::yield_now();
            }
        }
        Mode::Wait => {
            // Where there is no room for the task, it ends at once.
            let _ = process::task_create(task_entry!(task), WHILE).and_then(process::task_wait);
        }
        Mode::Sleep => {
            // Where there is no sleep, it ends at once.
            let _ = time::sleep(NANOS_PER_SEC / 1000);
        }
        Mode::Hold => {
            use_stack();
            let _ = memory::map(16 * PAGE_SIZE, MAP_READ | MAP_WRITE).map(|start| {
                // SAFETY: the kernel has just mapped this byte, writable.
                unsafe { start.write_volatile(1) };
            });
            yield_often(WHILE);
        }
    }
    CODE
}

fn yield_often(count: u64) {
    for _ in 0..count {
        process::yield_now();
    }
}

/// What a victim waits for. It outlives a victim that is killed, but not for long.
fn task(count: u64) -> i64 {
    yield_often(count);
    0
}

/// Makes the kernel give the first task half of its stack.
fn use_stack() {
    const HALF: usize = 512 << 10;
    const _: () = assert!(HALF as u64 == STACK_SIZE / 2, "half of the stack of the contract");
    let bytes = [1_u8; HALF];
    hint::black_box(&bytes);
}
