//! Moments and slices, and changing the policy.

use std::vec::Vec;

use super::{SETTINGS, carry_out, spawn, table, with_running};
use crate::process::{Pid, WaitFor};
use crate::sched::AnyPolicy;
use crate::table::Table;

#[test]
fn sleepers_wake_in_order_of_their_moments_and_not_before() {
    let mut table = table(8);
    let pids: Vec<_> = (0..3).map(|_| spawn(&mut table, Pid::LAUNCHER)).collect();
    for (pid, moment) in pids.iter().zip([300, 100, 200]) {
        with_running(&mut table, *pid);
        let decision = table.block(WaitFor::Time(moment), 0);
        carry_out(&mut table, decision, 0);
    }
    assert_eq!(table.next_due(), Some(100));
    table.wake_due(99);
    table.check();
    let ready = table.ready();
    table.wake_due(200);
    assert_eq!(table.ready(), ready + 2);
    assert_eq!(table.next_due(), Some(300));
    table.kill_for(Pid::LAUNCHER, pids[0], 0).unwrap();
    assert_eq!(table.next_due(), None, "a killed sleeper is forgotten");
}

#[test]
fn a_quantum_ends_only_when_someone_waits_and_never_under_cooperative() {
    for (name, end) in [("round-robin", Some(1000)), ("cooperative", None)] {
        let policy = AnyPolicy::by_name(name, &SETTINGS).unwrap();
        let mut table = Table::try_new(4, policy).unwrap();
        let launcher = table.create_kernel_task(Pid::LAUNCHER, "launcher", ()).unwrap();
        table.start(launcher, 0);
        let first = table.decide();
        carry_out(&mut table, first, 0);
        assert_eq!(table.next_due(), None, "{name}: alone");
        spawn(&mut table, Pid::LAUNCHER);
        assert_eq!(table.next_due(), end, "{name}");
        assert!(!table.slice_is_over(999));
        assert_eq!(table.slice_is_over(1000), end.is_some(), "{name}");
    }
}

#[test]
fn changing_the_policy_loses_no_task() {
    let mut table = table(16);
    (0..10).for_each(|_| assert!(spawn(&mut table, Pid::LAUNCHER) > Pid(0)));
    let first = table.decide();
    carry_out(&mut table, first, 0);
    for round in 0..50 {
        let name = AnyPolicy::NAMES[round % AnyPolicy::NAMES.len()];
        table.set_policy(AnyPolicy::by_name(name, &SETTINGS).unwrap(), Some(1000), 0);
        table.check();
        let decision = table.yield_now(round as u64);
        carry_out(&mut table, decision, round as u64);
        table.check();
        assert_eq!(table.ready(), 10);
    }
}
