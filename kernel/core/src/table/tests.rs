//! The table against its invariants, on every short and many long sequences of verbs.

mod effects;
mod family;
mod policy;
mod turns;

use std::vec::Vec;

use orbital_abi::sched::POLICIES;
use proptest::prelude::*;

use super::{Table, Wait};
use crate::process::{ExitStatus, Fault, Pid, ProcState, WaitFor};
use crate::sched::{AnyPolicy, Decision, Policy, Settings, Slot};

const SETTINGS: Settings = Settings { quantum: 1000, seed: 1 };

fn table(capacity: usize) -> Table<()> {
    let mut table = Table::try_new(capacity, AnyPolicy::initial()).unwrap();
    let launcher = table.create_kernel_task(Pid::LAUNCHER, "launcher", (), 0).unwrap();
    table.start(launcher, 0);
    table
}

fn spawn(table: &mut Table<()>, parent: Pid) -> Pid {
    let slot = table.create("task", parent, (), 0).unwrap();
    table.start(slot, 0);
    table[slot].pid()
}

/// Does what the kernel's `carry_out` does.
fn carry_out(table: &mut Table<()>, decision: Decision, now: u64) {
    if let Decision::SwitchTo(slot) = decision {
        table.run(slot, now);
    }
}

fn running_pid(table: &Table<()>) -> Option<Pid> {
    table.running().map(|slot| table[slot].pid())
}

impl<M> Table<M> {
    /// The invariants that the module documentation promises.
    fn check(&mut self) {
        let count =
            |state| self.iter().filter(|(slot, _)| self.task(*slot).state() == state).count();
        let running: Vec<_> = self
            .iter()
            .map(|(slot, _)| slot)
            .filter(|&slot| self.task(slot).state() == ProcState::Running)
            .collect();
        assert_eq!(running, Vec::from_iter(self.running()));
        let ready = count(ProcState::Ready);
        assert_eq!(ready, self.ready());
        for (queue, wait) in
            [(&self.waiting_for_input, WaitFor::Input), (&self.waiting_for_output, WaitFor::Output)]
        {
            assert_eq!(queue.len(), count(ProcState::Blocked(wait)));
        }
        self.settle();
        let mut picked = Vec::new();
        while let Some(pick) = self.policy.pick(&mut self.tasks) {
            assert_eq!(self.task(pick.task).state(), ProcState::Ready);
            picked.push(pick.task);
        }
        assert_eq!(picked.len(), ready, "the queue is the Ready set");
        for slot in picked {
            self.policy.enqueue(&mut self.tasks, slot, crate::sched::Enter::Yielded, 0);
        }
        for (slot, process) in self.iter() {
            assert_eq!(self.find(process.pid()), Some(slot));
            let children =
                self.iter().filter(|(_, p)| p.parent() == process.pid() && p.pid() != p.parent());
            assert_eq!(process.children(), children.count() as u64);
            assert!(process.pid() == Pid::LAUNCHER || self.find(process.parent()).is_some());
        }
    }
}

#[test]
fn every_state_knows_its_verbs_and_refuses_the_others() {
    let exited = ProcState::Exited(ExitStatus::Exited(1));
    let states = [
        ProcState::Embryo,
        ProcState::Ready,
        ProcState::Running,
        ProcState::Blocked(WaitFor::Input),
        exited,
    ];
    type Verb = fn(&mut ProcState) -> bool;
    let verbs: [(Verb, [bool; 5]); 6] = [
        (|s| s.start().is_ok(), [true, false, false, false, false]),
        (|s| s.run().is_ok(), [false, true, false, false, false]),
        (|s| s.pause().is_ok(), [false, false, true, false, false]),
        (|s| s.block(WaitFor::Output).is_ok(), [false, false, true, false, false]),
        (|s| s.wake().is_ok(), [false, false, false, true, false]),
        (|s| s.exit(ExitStatus::Exited(0)).is_ok(), [true, true, true, true, false]),
    ];
    for (verb, allowed) in verbs {
        for (state, allowed) in states.into_iter().zip(allowed) {
            let mut moved = state;
            assert_eq!(verb(&mut moved), allowed, "{state:?}");
            assert!(allowed || moved == state, "a refused verb changes nothing");
        }
    }
}

#[test]
fn yields_rotate_first_come_first_served() {
    let mut table = table(8);
    for _ in 0..3 {
        spawn(&mut table, Pid::LAUNCHER);
    }
    let mut order = Vec::new();
    let first = table.decide();
    carry_out(&mut table, first, 0);
    for now in 0..8 {
        order.push(running_pid(&table).unwrap().0);
        let decision = table.yield_now(now);
        carry_out(&mut table, decision, now);
        table.check();
    }
    assert_eq!(order, [0, 1, 2, 3, 0, 1, 2, 3]);
}

#[test]
fn a_yield_with_nobody_ready_stays() {
    let mut table = table(4);
    let first = table.decide();
    carry_out(&mut table, first, 0);
    assert_eq!(table.yield_now(5), Decision::Stay);
    assert_eq!(running_pid(&table), Some(Pid::LAUNCHER));
}

/// A table whose running task is `pid`.
fn with_running(table: &mut Table<()>, pid: Pid) -> Slot {
    loop {
        if let Some(slot) = table.running()
            && table[slot].pid() == pid
        {
            return slot;
        }
        let decision = if table.running().is_some() { table.yield_now(0) } else { table.decide() };
        assert_ne!(decision, Decision::Idle);
        carry_out(table, decision, 0);
    }
}

#[test]
fn pids_are_never_reused_and_a_full_table_says_so() {
    let mut table = table(3);
    let mut last = Pid(0);
    for _ in 0..10 {
        let (a, b) = (spawn(&mut table, Pid::LAUNCHER), spawn(&mut table, Pid::LAUNCHER));
        assert!(last < a && a < b);
        last = b;
        assert!(table.create("one too many", Pid::LAUNCHER, (), 0).is_err());
        for pid in [a, b] {
            table.kill_for(Pid::LAUNCHER, pid, 9_999).unwrap();
        }
        assert_eq!(core::iter::from_fn(|| table.take_ended_orphan()).count(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any sequence of moves keeps the invariants, and in the end everything can be collected.
    #[test]
    fn invariants_hold_over_random_lives(
        policy in 0..POLICIES.len(),
        steps in prop::collection::vec((0..10u8, 0..16u64), 1..150),
    ) {
        let mut table = Table::try_new(12, AnyPolicy::by_name(POLICIES[policy], &SETTINGS).unwrap()).unwrap();
        let launcher = table.create_kernel_task(Pid::LAUNCHER, "launcher", (), 0).unwrap();
        table.start(launcher, 0);
        for (now, (step, pid)) in steps.into_iter().enumerate() {
            let now = now as u64;
            let pid = Pid(pid);
            let me = table.running();
            let is_program = me.is_some_and(|slot| !table[slot].pid().is_kernel_task());
            let decision = match (step, me) {
                (0 | 1, _) => {
                    let parent = running_pid(&table).unwrap_or(Pid::LAUNCHER);
                    if table.has_room(0) { spawn(&mut table, parent); }
                    Decision::Stay
                }
                (2, Some(_)) => table.yield_now(now),
                (3, Some(_)) => table.slice_used_up(now),
                (4, Some(_)) if is_program => table.block(WaitFor::Input, now),
                (5, Some(_)) if is_program => table.block(WaitFor::Output, now),
                (6, Some(me)) if is_program => match table.wait(me, pid) {
                    Ok(Wait::Block(wait)) => table.block(wait, now),
                    _ => Decision::Stay,
                },
                (7, Some(_)) if is_program => {
                    let fault = Fault { vector: 13, error: 0, address: 0, rip: 0 };
                    table.exit(ExitStatus::Faulted(fault), now)
                }
                (8, Some(me)) if is_program => { let _ = table.kill(me, pid, now); Decision::Stay }
                (9, _) if pid.0 > 8 => { table.wake_due(now); Decision::Stay }
                (9, Some(_)) if is_program && pid.0 > 6 => table.block(WaitFor::Time(now + pid.0), now),
                (9, _) => { table.wake_input(|()| true, now); table.wake_output(now); Decision::Stay }
                (_, None) => table.decide(),
                _ => Decision::Stay,
            };
            carry_out(&mut table, decision, now);
            table.check();
        }
        let pids: Vec<_> = table.iter().map(|(_, p)| p.pid()).filter(|p| !p.is_kernel_task()).collect();
        if let Some(slot) = table.running() && !table[slot].pid().is_kernel_task() {
            let decision = table.exit(ExitStatus::Exited(0), 1000);
            carry_out(&mut table, decision, 1000);
        }
        for pid in pids {
            if let Some(slot) = table.running() && table[slot].pid() == pid {
                let decision = table.exit(ExitStatus::Exited(0), 1000);
                carry_out(&mut table, decision, 1000);
            }
            let _ = table.kill_for(Pid::LAUNCHER, pid, 9_999);
        }
        while table.take_ended_orphan().is_some() {}
        prop_assert_eq!(table.len(), 1);
    }
}

#[test]
fn the_layout_for_debuggers_finds_every_field() {
    let mut table = table(4);
    let pid = spawn(&mut table, Pid::LAUNCHER);
    let of: std::collections::HashMap<_, _> = table.layout().collect();
    assert!(of["process.name"] + of["name.size"] < of["entry.size"]);
    assert!(of["task.state"] + of["state.value"] < of["task.size"]);
    let slot = table.find(pid).unwrap();
    let process = (&raw const table[slot]).addr() as u64;
    let entry = of["table.entries"] + slot.index() as u64 * of["entry.size"];
    assert_eq!(process, entry + of["entry.process"], "the payload follows the tag");
    let task = (&raw const *table.task(slot)).addr() as u64;
    assert_eq!(task, of["tasks"] + slot.index() as u64 * of["task.size"]);
    assert_eq!((&raw const table[slot].pid).addr() as u64, process + of["process.pid"]);
}
