//! What tasks do to one another: the arrows of a timeline.

use core::mem::offset_of;

use super::Ring;
use crate::process::Pid;

/// What was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Deed {
    /// The task was started: it is ready for the first time.
    #[default]
    Started = 0,
    /// What the task waited for has happened: it is ready again.
    Woken = 1,
    /// The task was ended while it was not running.
    Killed = 2,
}

impl Deed {
    /// The word that files show.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Woken => "woken",
            Self::Killed => "killed",
        }
    }
}

/// One task's doing to another. As in Linux's `sched_wakeup`, what an interrupt does counts for the
/// task that it interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Effect {
    /// When, in ticks of the kernel's clock.
    pub time: u64,
    /// On whose time on the CPU it happened; [`Pid::IDLE`] when nobody ran.
    pub by: Pid,
    /// To whom it happened.
    pub on: Pid,
    /// What was done.
    pub deed: Deed,
    /// On which CPU.
    pub cpu: u8,
}

impl Ring<Effect> {
    /// Every address, offset and size that reading the ring from outside takes, by name.
    pub fn layout(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let [count, events, capacity] = self.places();
        [
            ("effects.count", count),
            ("effects.events", events),
            ("effects.capacity", capacity),
            ("effect.size", size_of::<Effect>()),
            ("effect.time", offset_of!(Effect, time)),
            ("effect.by", offset_of!(Effect, by)),
            ("effect.on", offset_of!(Effect, on)),
            ("effect.deed", offset_of!(Effect, deed)),
            ("effect.cpu", offset_of!(Effect, cpu)),
        ]
        .into_iter()
        .map(|(name, value)| (name, value as u64))
    }
}
