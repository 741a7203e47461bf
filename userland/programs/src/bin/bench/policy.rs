//! The policy an operation needs.

use ulib::abi::sched::{ASK, POLICIES, unpack};
use ulib::process;

use crate::Refusal;

/// The policy in force until this is dropped.
pub(crate) struct During {
    before: (u64, u64),
}

/// Chooses the policy `name`, with a quantum in nanoseconds. Only a program that the launcher
/// started may; another one must do with what is in force.
pub(crate) fn during(name: &str, quantum: u64) -> Result<During, Refusal> {
    let number = |index: usize| index as u64 + 1;
    let wanted = POLICIES.iter().position(|known| *known == name).map_or(0, number);
    let now = process::sched(ASK, 0, 0).map_err(|_| "the kernel has no policies")?;
    let before = unpack(now);
    let chosen = process::sched(wanted, quantum, 0).is_ok();
    if chosen || before.0 == wanted {
        Ok(During { before })
    } else {
        Err("needs another policy: start it with run= or set sched=")
    }
}

impl Drop for During {
    fn drop(&mut self) {
        // Without the right to, nothing was changed.
        let _ = process::sched(self.before.0, self.before.1, 0);
    }
}
