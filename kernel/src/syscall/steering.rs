//! Calls about time and policy: `sleep`, `sched`.

use orbital_abi::Errno;
use orbital_abi::sched::{ASK, POLICIES, QUANTUM_MAX, QUANTUM_MIN, SET_WEIGHT, WEIGHT_MAX, pack};
use orbital_arch::clock::rdtsc;
use orbital_core::process::{Pid, WaitFor};

use super::Outcome;
use crate::sched::{self, TABLE};
use crate::{boot, time};

/// Evaluated again when the moment has come, so the moment is remembered with the process.
pub(super) fn sleep(nanos: u64) -> Outcome {
    let now = rdtsc();
    TABLE.with(|table| {
        let me = sched::running(table);
        let machine = table[me].machine_mut();
        if machine.wake_at == 0 {
            machine.wake_at = now.saturating_add(time::nanos_to_ticks(nanos)).max(1);
        }
        if machine.wake_at <= now {
            machine.wake_at = 0;
            return Outcome::Return(0);
        }
        Outcome::Wait(WaitFor::Time(machine.wake_at))
    })
}

/// See `orbital_abi::sched`.
pub(super) fn sched(operation: u64, value: u64, pid: Pid) -> Result<u64, Errno> {
    match operation {
        ASK => {}
        SET_WEIGHT => set_weight(pid, value)?,
        policy => set_policy(policy, value)?,
    }
    let name = TABLE.with(|table| table.policy_name());
    let policy = POLICIES.iter().position(|&known| known == name).map_or(0, |at| at as u64 + 1);
    Ok(pack(policy, sched::quantum_nanos()))
}

fn set_policy(policy: u64, quantum: u64) -> Result<(), Errno> {
    let index = usize::try_from(policy - 1).map_err(|_| Errno::Invalid)?;
    let name = POLICIES.get(index).ok_or(Errno::Invalid)?;
    let quantum = if quantum == 0 { sched::quantum_nanos() } else { quantum };
    if !(QUANTUM_MIN..=QUANTUM_MAX).contains(&quantum) {
        return Err(Errno::Invalid);
    }
    let leads = TABLE.with(|table| table[sched::running(table)].parent() == Pid::LAUNCHER);
    if !leads {
        return Err(Errno::PermissionDenied);
    }
    sched::set_policy(name, quantum, boot::get().command_line.seed);
    boot::log_seed(name);
    Ok(())
}

fn set_weight(pid: Pid, weight: u64) -> Result<(), Errno> {
    if weight == 0 || weight > WEIGHT_MAX {
        return Err(Errno::Invalid);
    }
    TABLE.with(|table| {
        let slot = table.find(pid).ok_or(Errno::NotFound)?;
        let me = table[sched::running(table)].pid();
        if !table.may_steer(me, slot) {
            return Err(Errno::PermissionDenied);
        }
        table.set_weight(slot, u32::try_from(weight).unwrap_or(u32::MAX));
        Ok(())
    })
}
