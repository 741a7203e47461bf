//! The short way of a switch is held equal to the long one.

use super::*;
use crate::table::{Tick, TurnEnd};

/// A table, and whether its turns are passed the short way where that is possible.
struct Side {
    table: Table<()>,
    short: bool,
    passed: usize,
}

impl Side {
    fn new(policy: &str, short: bool) -> Self {
        let policy = AnyPolicy::by_name(policy, &SETTINGS).unwrap();
        let mut table = Table::try_new(12, policy).unwrap();
        let launcher = table.create_kernel_task(Pid::LAUNCHER, "launcher", (), 0).unwrap();
        table.start(launcher, 0);
        Self { table, short, passed: 0 }
    }

    fn end_turn(&mut self, end: TurnEnd, now: u64) {
        if self.short && self.table.pass_turn(end, now).is_some() {
            self.passed += 1;
            return;
        }
        let decision = match end {
            TurnEnd::Yielded => self.table.yield_now(now),
            TurnEnd::SliceUsedUp => self.table.slice_used_up(now),
        };
        carry_out(&mut self.table, decision, now);
    }

    fn tick(&mut self, now: u64) {
        let table = &mut self.table;
        if self.short {
            if table.short_tick(now).is_none() {
                table.tick(now);
            }
        } else {
            table.wake_due(now);
            if table.slice_is_over(now) {
                let decision = table.slice_used_up(now);
                carry_out(table, decision, now);
            }
        }
    }

    /// One step of a random life, chosen by two numbers.
    fn step(&mut self, step: u8, pid: u64, now: u64) {
        let table = &mut self.table;
        let me = table.running();
        let is_program = me.is_some_and(|slot| !table[slot].pid().is_kernel_task());
        let decision = match (step, me) {
            (_, None) => {
                table.wake_input(|()| true, now);
                table.decide()
            }
            (0, _) => {
                if table.has_room(0) {
                    spawn(table, running_pid(table).unwrap_or(Pid::LAUNCHER));
                }
                Decision::Stay
            }
            (1, Some(_)) if is_program => table.block(WaitFor::Input, now),
            (2, Some(_)) if is_program => table.block(WaitFor::Time(now + pid), now),
            (3, _) => {
                table.wake_input(|()| true, now);
                Decision::Stay
            }
            (4, _) => {
                table.wake_due(now);
                Decision::Stay
            }
            (5, Some(me)) if pid > 0 && table[me].pid() != Pid(pid) => {
                let _ = table.kill_for(Pid::LAUNCHER, Pid(pid), now);
                Decision::Stay
            }
            (6, Some(_)) => {
                let name = POLICIES[usize::try_from(pid).unwrap() % POLICIES.len()];
                let policy = AnyPolicy::by_name(name, &SETTINGS).unwrap();
                table.set_policy(policy, Some(SETTINGS.quantum), now);
                Decision::Stay
            }
            (7, Some(me)) => {
                table.set_weight(me, u32::try_from(pid).unwrap() * 50);
                Decision::Stay
            }
            (12..15, Some(_)) => return self.tick(now),
            (8..12, Some(_)) => return self.end_turn(TurnEnd::SliceUsedUp, now),
            _ => return self.end_turn(TurnEnd::Yielded, now),
        };
        carry_out(table, decision, now);
    }

    /// Everything that can be seen of it.
    fn seen(&self) -> impl PartialEq + core::fmt::Debug {
        let tasks: Vec<_> = self
            .table
            .iter()
            .map(|(slot, process)| {
                let task = self.table.task(slot);
                (process.pid(), task.state(), task.counters(), task.since, task.entered)
            })
            .collect();
        let totals = (self.table.ready(), self.table.forced(), self.table.next_due());
        (tasks, totals, running_pid(&self.table), self.table.owes_turn(self.table.ready() as u64))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn passing_a_turn_is_what_the_policy_would_have_decided(
        policy in 0..POLICIES.len(),
        steps in prop::collection::vec((0..24u8, 0..16u64), 1..200),
    ) {
        let mut sides = [true, false].map(|short| Side::new(POLICIES[policy], short));
        for (now, (step, pid)) in steps.into_iter().enumerate() {
            let [short, long] = &mut sides;
            short.step(step, pid, 10 * now as u64);
            long.step(step, pid, 10 * now as u64);
            prop_assert_eq!(short.seen(), long.seen());
        }
        for side in &mut sides {
            side.table.check();
        }
    }
}

#[test]
fn turns_are_passed_the_short_way_under_cooperative_and_round_robin() {
    for (policy, short) in [("cooperative", true), ("round-robin", true), ("fair", false)] {
        let mut side = Side::new(policy, true);
        (0..3).for_each(|_| assert!(spawn(&mut side.table, Pid::LAUNCHER) > Pid(0)));
        let first = side.table.decide();
        carry_out(&mut side.table, first, 0);
        (1..=100).for_each(|now| side.end_turn(TurnEnd::Yielded, now));
        assert_eq!(side.passed, if short { 100 } else { 0 }, "{policy}");
    }
}

#[test]
fn a_tick_takes_the_cpu_only_when_a_slice_is_over() {
    let tick = |policy, now| {
        let mut side = Side::new(policy, true);
        (0..3).for_each(|_| assert!(spawn(&mut side.table, Pid::LAUNCHER) > Pid(0)));
        let first = side.table.decide();
        carry_out(&mut side.table, first, 1);
        side.table.tick(now)
    };
    for policy in ["round-robin", "fair", "priority"] {
        assert_eq!(tick(policy, 1000), Tick::GoesOn(Some(1001)), "{policy}");
    }
    for policy in ["round-robin", "fair", "priority"] {
        assert_eq!(tick(policy, 1001), Tick::Passed(0, Some(2001)), "{policy}");
    }
    assert_eq!(tick("cooperative", u64::MAX - 1), Tick::GoesOn(None));
}

#[test]
fn a_tick_that_a_sleeper_waits_for_is_not_all_there_is() {
    let mut side = Side::new("round-robin", true);
    let sleeper = spawn(&mut side.table, Pid::LAUNCHER);
    spawn(&mut side.table, Pid::LAUNCHER);
    with_running(&mut side.table, sleeper);
    let decision = side.table.block(WaitFor::Time(1500), 100);
    carry_out(&mut side.table, decision, 100);
    assert_eq!(side.table.tick(600), Tick::GoesOn(Some(1100)));
    assert_eq!(side.table.tick(1100), Tick::Passed(0, Some(1500)), "the sleeper is due first");
    assert_eq!(side.table.tick(1400), Tick::GoesOn(Some(1500)));
    let ready = side.table.ready();
    assert_eq!(side.table.tick(1500), Tick::GoesOn(Some(2100)));
    assert_eq!(side.table.ready(), ready + 1, "the sleeper is woken");
}

#[test]
fn a_tick_while_nobody_runs_is_left_to_the_idle_loop() {
    let mut side = Side::new("round-robin", true);
    assert_eq!(side.table.tick(1), Tick::Idle);
}

#[test]
fn a_turn_is_not_passed_where_nobody_else_is_ready() {
    let mut side = Side::new("cooperative", true);
    let first = side.table.decide();
    carry_out(&mut side.table, first, 0);
    assert_eq!(side.table.pass_turn(TurnEnd::Yielded, 1), None);
    assert_eq!(running_pid(&side.table), Some(Pid::LAUNCHER));
}
