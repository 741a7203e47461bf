//! The state of a task, decoded from the scheduler's record of it.
//!
//! The numbers are those of `ProcState` and `WaitFor` in `kernel/core/src/process.rs`, which fixes
//! them for debuggers.

use std::fmt;

use crate::info::Info;
use crate::wires::Result;

/// What a task does, and how often it was switched out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    tag: u8,
    inner: u8,
    value: u64,
    switches: u64,
}

const EMBRYO: u8 = 0;
const READY: u8 = 1;
const RUNNING: u8 = 2;
const BLOCKED: u8 = 3;

/// Reads an entry and the scheduler's record of the same slot; `None` if the entry is vacant, or
/// either cut short.
pub(super) fn read(info: &Info, entry: &[u8], record: &[u8]) -> Result<Option<State>> {
    const OCCUPIED: u8 = 1;
    let byte = |of: &[u8], at: u64| usize::try_from(at).ok().and_then(|at| of.get(at)).copied();
    if byte(entry, info.get("entry.tag")?) != Some(OCCUPIED) {
        return Ok(None);
    }
    let state = info.get("task.state")?;
    let voluntary = word(record, info.get("task.voluntary")?);
    let forced = word(record, info.get("task.forced")?);
    let parts = (
        byte(record, state),
        byte(record, state + info.get("state.inner")?),
        word(record, state + info.get("state.value")?),
        voluntary.zip(forced),
    );
    let (Some(tag), Some(inner), Some(value), Some((voluntary, forced))) = parts else {
        return Ok(None);
    };
    Ok(Some(State { tag, inner, value, switches: voluntary + forced }))
}

/// The word at an offset.
pub(super) fn word(bytes: &[u8], offset: u64) -> Option<u64> {
    let bytes = bytes.get(usize::try_from(offset).ok()?..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

impl State {
    /// Whether the scheduler knows it: not while it is made, nor after its end.
    pub(super) fn is_alive(&self) -> bool {
        self.tag > EMBRYO && self.tag <= BLOCKED
    }

    /// Whether it has been on the CPU and left it.
    pub(super) fn has_run(&self) -> bool {
        self.switches > 0
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tag, self.inner) {
            (READY, _) => f.write_str("Ready")?,
            (RUNNING, _) => f.write_str("Running")?,
            (BLOCKED, 0) => f.write_str("Blocked(input)")?,
            (BLOCKED, 1) => f.write_str("Blocked(output)")?,
            (BLOCKED, 2) => write!(f, "Blocked(pid {})", self.value)?,
            (BLOCKED, 3) => f.write_str("Blocked(time)")?,
            (BLOCKED, 4) => f.write_str("Blocked(work)")?,
            (tag, _) => write!(f, "state {tag}")?,
        }
        write!(f, ", {} switches", self.switches)
    }
}
