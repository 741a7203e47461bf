//! A process and the states it can be in.
//!
//! [`Process`] is one task: identity, place in the family, state, counters, and the machine half
//! `M` (kernel stack, saved context, address space; `()` on the host). Its state changes only by
//! the verbs of [`ProcState`], each of which refuses a move that the life cycle does not have:
//!
//! ```text
//!            start          run                exit
//!   Embryo ────────► Ready ─────► Running ────────────► Exited
//!                      ▲ ▲           │ │                  ▲
//!                      │ └── pause ──┘ │ block            │ exit (killed)
//!                      └──── wake ── Blocked(WaitFor) ────┘  from every state but Exited
//! ```

use core::fmt;

pub use crate::exit::{ExitStatus, Fault};
use crate::sched::Slot;

/// Names one process for ever: pids are given out in order and never reused within a boot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(transparent)]
pub struct Pid(pub u64);

impl Pid {
    /// The launcher, a kernel task: parent of what starts at boot and of every orphan.
    pub const LAUNCHER: Self = Self(0);
    /// The terminal, a kernel task; far above the pids that programs get.
    pub const TERMINAL: Self = Self(0x7fff_ffff);

    /// Whether this is a task of the kernel itself, which no call can end or wait for.
    #[must_use]
    pub const fn is_kernel_task(self) -> bool {
        self.0 == Self::LAUNCHER.0 || self.0 == Self::TERMINAL.0
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A process name: at most [`Name::MAX`] bytes of UTF-8, longer ones cut at a character.
///
/// Debuggers read the bytes, which end with NUL where the name is shorter.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Name {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Name {
    /// Longest name, in bytes.
    pub const MAX: usize = 31;

    /// `name`, cut where it is too long.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut end = name.len().min(Self::MAX);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; Self::MAX];
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        #[expect(clippy::cast_possible_truncation, reason = "end <= 31")]
        let len = end as u8;
        Self { bytes, len }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or("?")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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

impl ProcState {
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

    #[inline]
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

/// Counters of one task; times in ticks of the kernel's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Counters {
    /// Switches away that it asked for.
    pub voluntary: u64,
    /// Switches away that the timer forced.
    pub forced: u64,
    /// Ticks on the CPU, up to the last switch away.
    pub cpu: u64,
    /// Page faults the kernel served for it.
    pub faults: u64,
}

/// One task. `M` is what the machine keeps for it.
#[repr(C)]
pub struct Process<M> {
    pub(crate) state: ProcState,
    pub(crate) pid: Pid,
    pub(crate) machine: M,
    pub(crate) counters: Counters,
    pub(crate) parent: Pid,
    pub(crate) family: Family,
    /// Who waits for its end; [`Pid::LAUNCHER`] when nobody does.
    pub(crate) waiter: Pid,
    pub(crate) next_in_bucket: Option<Slot>,
    pub(crate) name: Name,
}

/// Links to the relatives that are in the table.
#[derive(Clone, Copy, Default)]
pub(crate) struct Family {
    pub(crate) first_child: Option<Slot>,
    pub(crate) next_sibling: Option<Slot>,
    pub(crate) previous_sibling: Option<Slot>,
}

impl<M> Process<M> {
    /// Its identity.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Who may wait for it: its maker, or the launcher once that has ended.
    pub fn parent(&self) -> Pid {
        self.parent
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where it is in its life.
    pub fn state(&self) -> ProcState {
        self.state
    }

    /// What it has used so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Counts a page fault that was served.
    pub fn count_fault(&mut self) {
        self.counters.faults += 1;
    }

    /// What the machine keeps for it.
    #[inline]
    pub fn machine(&self) -> &M {
        &self.machine
    }

    /// The same, to change it.
    #[inline]
    pub fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }
}

const _: () = assert!(
    size_of::<ProcState>() == 6 * size_of::<u64>(),
    "tag, inner tag, and the four words of a fault"
);
