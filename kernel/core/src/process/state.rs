//! The states a task can be in, and the moves between them.
//!
//! A state changes only by the verbs of [`ProcState`], each of which refuses a move that the life
//! cycle does not have:
//!
//! ```text
//!            start          run                exit
//!   Embryo ────────► Ready ─────► Running ────────────► Exited
//!                      ▲ ▲           │ │                  ▲
//!                      │ └── pause ──┘ │ block            │ exit (killed)
//!                      └──── wake ── Blocked(WaitFor) ────┘  from every state but Exited
//! ```

use core::fmt;

use super::Pid;
use crate::exit::ExitStatus;

/// What a blocked task waits for. Each variant says who wakes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum WaitFor {
    /// A line of input for its session; woken by the terminal.
    Input = 0,
    /// Room in the output buffer; woken by the terminal.
    Output = 1,
    /// The end of another task; woken by that end.
    Child(Pid) = 2,
    /// A moment, in ticks of the kernel's clock; woken by the timer.
    Time(u64) = 3,
    /// Something to do; a kernel task, woken by whoever has work for it.
    Work = 4,
}

/// Where a task is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ProcState {
    /// Being made: not yet known to the scheduler.
    Embryo = 0,
    /// Could run; it is in the policy's queue (or just picked from it).
    Ready = 1,
    /// On the CPU.
    Running = 2,
    /// Cannot run until what it waits for has happened; in no ready queue.
    Blocked(WaitFor) = 3,
    /// Has ended; kept until its status has been collected.
    Exited(ExitStatus) = 4,
}

/// A verb was used in a state that does not have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WrongState {
    /// The verb.
    pub verb: &'static str,
    /// The state it was used in.
    pub state: ProcState,
}

impl WaitFor {
    /// One word for each, by discriminant, for debuggers.
    pub const WORDS: &[&str] = &["input", "output", "child", "time", "work"];
}

impl ProcState {
    /// One word for each, by discriminant, for debuggers.
    pub const WORDS: &[&str] = &["Embryo", "Ready", "Running", "Blocked", "Exited"];

    /// Embryo -> Ready.
    pub fn start(&mut self) -> Result<(), WrongState> {
        self.go("start", matches!(self, Self::Embryo), Self::Ready)
    }

    /// Ready -> Running.
    #[inline]
    pub fn run(&mut self) -> Result<(), WrongState> {
        self.go("run", matches!(self, Self::Ready), Self::Running)
    }

    /// Running -> Ready.
    #[inline]
    pub fn pause(&mut self) -> Result<(), WrongState> {
        self.go("pause", matches!(self, Self::Running), Self::Ready)
    }

    /// Running -> Blocked.
    pub fn block(&mut self, wait: WaitFor) -> Result<(), WrongState> {
        self.go("block", matches!(self, Self::Running), Self::Blocked(wait))
    }

    /// Blocked -> Ready.
    pub fn wake(&mut self) -> Result<(), WrongState> {
        self.go("wake", matches!(self, Self::Blocked(_)), Self::Ready)
    }

    /// Any state but Exited -> Exited.
    pub fn exit(&mut self, status: ExitStatus) -> Result<(), WrongState> {
        self.go("exit", !matches!(self, Self::Exited(_)), Self::Exited(status))
    }

    #[inline(always)]
    fn go(&mut self, verb: &'static str, allowed: bool, to: Self) -> Result<(), WrongState> {
        if !allowed {
            return Err(WrongState { verb, state: *self });
        }
        *self = to;
        Ok(())
    }

    /// One word for `ps`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Embryo => "Embryo",
            Self::Ready => "Ready",
            Self::Running => "Running",
            Self::Blocked(_) => "Blocked",
            Self::Exited(_) => "Exited",
        }
    }
}

impl fmt::Display for WaitFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("input"),
            Self::Output => f.write_str("output"),
            Self::Child(pid) => write!(f, "pid {pid}"),
            Self::Time(_) => f.write_str("time"),
            Self::Work => f.write_str("work"),
        }
    }
}

const _: () = assert!(
    size_of::<ProcState>() == 6 * size_of::<u64>(),
    "tag, inner tag, and the four words of a fault"
);
