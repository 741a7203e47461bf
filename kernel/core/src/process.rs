//! A process: its identity, its place in the family, where it is in its life.
//!
//! [`Process`] is one task: identity, place in the family, and the machine half `M` (kernel stack,
//! address space; `()` on the host). State ([`ProcState`]) and [`Counters`], which every switch
//! touches, stand in the scheduler's record of it, [`Task`](crate::sched::Task).

mod name;
mod state;

use core::fmt;

pub use crate::exit::{ExitStatus, Fault, Starved};
pub use name::Name;
pub use state::{ProcState, WaitFor, WrongState};

use crate::sched::Slot;

/// Names one process for ever: pids are given out in order and never reused within a boot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
#[repr(transparent)]
pub struct Pid(pub u64);

impl Pid {
    /// The launcher, a kernel task: parent of what starts at boot and of every orphan.
    pub const LAUNCHER: Self = Self(0);
    /// Nobody: what stands for the CPU's idle loop where a pid is recorded. No task has it.
    pub const IDLE: Self = Self(orbital_abi::records::IDLE);
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

/// Counters of one task; times in ticks of the kernel's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Counters {
    /// Switches away that it asked for.
    pub voluntary: u64,
    /// Switches away that the timer forced.
    pub forced: u64,
    /// Ticks on the CPU; while it is there, less the clock's value when that began, so that a switch
    /// has nothing to look up. [`Table::cpu_ticks`](crate::table::Table::cpu_ticks) knows.
    pub cpu: u64,
    /// Page faults the kernel served for it.
    pub faults: u64,
}

impl Counters {
    pub(crate) const ZERO: Self = Self { voluntary: 0, forced: 0, cpu: 0, faults: 0 };
}

/// One task, but for what the scheduler keeps of it ([`Task`](crate::sched::Task)). `M` is what the
/// machine keeps for it.
#[repr(C)]
pub struct Process<M> {
    pub(crate) pid: Pid,
    pub(crate) machine: M,
    pub(crate) parent: Pid,
    pub(crate) family: Family,
    /// Who waits for its end; [`Pid::LAUNCHER`] when nobody does.
    pub(crate) waiter: Pid,
    pub(crate) next_in_bucket: Option<Slot>,
    pub(crate) name: Name,
}

/// Links to the relatives that are in the table, and how many children there are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Family {
    pub(crate) first_child: Option<Slot>,
    pub(crate) children: u32,
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

    /// How many children it has, those that have ended but were not collected included.
    pub fn children(&self) -> u64 {
        u64::from(self.family.children)
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
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
