//! Moments and slices, and changing the policy.

use std::collections::HashMap;
use std::vec::Vec;

use orbital_abi::sched::POLICIES;

use super::{SETTINGS, carry_out, running_pid, spawn, table, with_running};
use crate::process::{Pid, WaitFor};
use crate::sched::{AnyPolicy, Decision};
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
        let launcher = table.create_kernel_task(Pid::LAUNCHER, "launcher", (), 0).unwrap();
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
        let name = POLICIES[round % POLICIES.len()];
        table.set_policy(AnyPolicy::by_name(name, &SETTINGS).unwrap(), Some(1000), 0);
        table.check();
        let decision = table.yield_now(round as u64);
        carry_out(&mut table, decision, round as u64);
        table.check();
        assert_eq!(table.ready(), 10);
    }
}

/// When the running task was put on the CPU; 0 if there is none.
fn since(table: &Table<()>) -> u64 {
    table.running().map_or(0, |slot| table.tasks[slot].since)
}

/// Whoever is on the CPU uses up slices; how often each task was put on it.
fn spin(table: &mut Table<()>, slices: usize) -> HashMap<Pid, usize> {
    let mut turns = HashMap::new();
    for _ in 0..slices {
        let endless = table.slice_end() == crate::table::NEVER;
        let now = if endless { since(table) + 1 } else { table.slice_end() };
        let decision = match table.running() {
            Some(_) => table.slice_used_up(now),
            None => table.decide(),
        };
        carry_out(table, decision, now);
        *turns.entry(running_pid(table).unwrap()).or_insert(0) += 1;
    }
    turns
}

#[test]
fn a_policy_starts_afresh_whatever_the_one_before_it_remembered() {
    let mut table = table(8);
    let choose = |table: &mut Table<()>, name| {
        let now = since(table);
        table.set_policy(AnyPolicy::by_name(name, &SETTINGS).unwrap(), Some(1000), now);
    };
    choose(&mut table, "fair");
    (0..3).for_each(|_| assert!(spawn(&mut table, Pid::LAUNCHER) > Pid(0)));
    spin(&mut table, 1000);
    for other in ["round-robin", "seeded", "cooperative"] {
        choose(&mut table, other);
        choose(&mut table, "fair");
        let new = spawn(&mut table, Pid::LAUNCHER);
        let turns = spin(&mut table, 100);
        let (least, most) = (turns.values().min(), turns.values().max());
        assert!(most.unwrap() - least.unwrap() <= 2, "after {other}: {turns:?}");
        assert!(turns.contains_key(&new), "after {other}: {turns:?}");
    }
}

#[test]
fn under_fair_time_that_nobody_else_wanted_costs_nothing() {
    for waits in [false, true] {
        let mut table = table(8);
        table.set_policy(AnyPolicy::by_name("fair", &SETTINGS).unwrap(), Some(1000), 0);
        let early = spawn(&mut table, Pid::LAUNCHER);
        with_running(&mut table, Pid::LAUNCHER);
        let decision = table.block(WaitFor::Work, 0);
        carry_out(&mut table, decision, 0);
        // It is alone up to here.
        let now = 100_000;
        if waits {
            assert_eq!(table.block(WaitFor::Input, now), Decision::Idle);
            table.wake_input(|()| true, now);
        }
        let late = table.create("late", Pid::LAUNCHER, (), 0).unwrap();
        table.start(late, now);
        let decision = if waits { table.decide() } else { table.slice_used_up(now) };
        carry_out(&mut table, decision, now);
        let turns = spin(&mut table, 20);
        assert_eq!(turns.get(&early), Some(&10), "{turns:?}");
    }
}

/// What the kernel's `run_ready` does: yields until nobody is owed a turn. How often each task had
/// one.
fn run_ready(table: &mut Table<()>, caller: Pid) -> HashMap<Pid, usize> {
    let mark = since(table) + 1;
    let mut turns = HashMap::new();
    let mut now = mark;
    loop {
        now += 1;
        let decision = table.yield_now(now);
        carry_out(table, decision, now);
        let running = running_pid(table).unwrap();
        if running != caller {
            *turns.entry(running).or_insert(0) += 1;
        } else if !table.owes_turn(mark) {
            return turns;
        }
    }
}

#[test]
fn run_ready_gives_everybody_who_is_ready_a_turn_under_every_policy() {
    for &name in POLICIES {
        for heavy in [0, 4] {
            let mut table =
                Table::try_new(8, AnyPolicy::by_name(name, &SETTINGS).unwrap()).unwrap();
            let pids: Vec<_> = (0..5).map(|_| spawn(&mut table, Pid::LAUNCHER)).collect();
            let caller = pids[0];
            let slot = table.find(pids[heavy]).unwrap();
            table.set_weight(slot, 10_000);
            with_running(&mut table, caller);
            let turns = run_ready(&mut table, caller);
            for pid in &pids[1..] {
                assert!(turns.contains_key(pid), "{name}: {pid} had no turn: {turns:?}");
                let once = matches!(name, "cooperative" | "round-robin" | "sweep");
                assert!(!once || turns[pid] == 1, "{name}: {turns:?}");
            }
        }
    }
}

#[test]
fn nobody_is_owed_a_turn_who_became_ready_later_or_has_ended() {
    let mut table = table(8);
    let (caller, other) = (spawn(&mut table, Pid::LAUNCHER), spawn(&mut table, Pid::LAUNCHER));
    with_running(&mut table, caller);
    let mark = 10;
    assert!(table.owes_turn(mark));
    table.kill_for(caller, other, 11).unwrap();
    let new = table.create("new", caller, (), 0).unwrap();
    table.start(new, 12);
    assert!(table.owes_turn(mark), "the launcher");
    for now in 13..16 {
        let decision = table.yield_now(now);
        carry_out(&mut table, decision, now);
    }
    assert_eq!(running_pid(&table), Some(caller));
    assert!(!table.owes_turn(mark));
}
