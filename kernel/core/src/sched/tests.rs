//! One suite for all policies, against a naive model, and what each promises on its own.

use std::collections::HashMap;
use std::vec::Vec;

use proptest::prelude::*;

use orbital_abi::sched::POLICIES;

use super::{AnyPolicy, Enter, Leave, Pick, Policy, Settings, Slot, Tasks};

const SETTINGS: Settings = Settings { quantum: 1000, seed: 7 };

fn policy(name: &str) -> AnyPolicy {
    AnyPolicy::by_name(name, &SETTINGS).unwrap()
}

/// Runs `tasks` spinners with these weights for `picks` slices; ticks each one got.
fn spin(name: &str, weights: &[u32], picks: usize) -> Vec<u64> {
    let (mut tasks, mut policy) = (Tasks::try_new(weights.len()).unwrap(), policy(name));
    for (index, &weight) in weights.iter().enumerate() {
        tasks.set_weight(Slot::new(index), weight);
        policy.enqueue(&mut tasks, Slot::new(index), Enter::Started, 0);
    }
    let mut got = std::vec![0; weights.len()];
    for _ in 0..picks {
        let Pick { task, slice } = policy.pick(&mut tasks).unwrap();
        let ran = slice.unwrap_or(1);
        got[task.index()] += ran;
        policy.enqueue(&mut tasks, task, Enter::SliceUsedUp, ran);
    }
    got
}

proptest! {
    /// The queue is the ready set: what enters comes out once, and what is removed never does.
    #[test]
    fn every_policy_keeps_exactly_the_ready_tasks(
        which in 0..POLICIES.len(),
        steps in prop::collection::vec((0..4u8, 0..16usize, 0..5000u64), 0..300),
    ) {
        let mut policy = policy(POLICIES[which]);
        let mut tasks = Tasks::try_new(16).unwrap();
        let mut ready = Vec::new();
        for (step, index, ran) in steps {
            let slot = Slot::new(index);
            match step {
                0 | 1 if !ready.contains(&index) => {
                    let why = if step == 0 { Enter::Woken } else { Enter::Yielded };
                    policy.enqueue(&mut tasks, slot, why, ran);
                    ready.push(index);
                }
                2 => match policy.pick(&mut tasks) {
                    None => prop_assert!(ready.is_empty()),
                    Some(pick) => {
                        let at = ready.iter().position(|&x| x == pick.task.index());
                        prop_assert!(at.is_some(), "picked a task that is not ready");
                        ready.remove(at.unwrap());
                        policy.left(&mut tasks, pick.task, Leave::Blocked, ran);
                    }
                },
                3 => if let Some(at) = ready.iter().position(|&x| x == index) {
                    policy.remove(&mut tasks, slot);
                    ready.remove(at);
                },
                _ => {}
            }
        }
        while let Some(pick) = policy.pick(&mut tasks) {
            let at = ready.iter().position(|&x| x == pick.task.index());
            prop_assert!(at.is_some());
            ready.remove(at.unwrap());
        }
        prop_assert!(ready.is_empty(), "every ready task runs");
    }
}

#[test]
fn only_cooperative_gives_no_slice() {
    for &name in POLICIES {
        let (mut tasks, mut policy) = (Tasks::try_new(1).unwrap(), policy(name));
        policy.enqueue(&mut tasks, Slot::new(0), Enter::Started, 0);
        let slice = policy.pick(&mut tasks).unwrap().slice;
        assert_eq!(slice.is_none(), name == "cooperative", "{name}");
        assert!(slice.is_none_or(|slice| (1..=SETTINGS.quantum).contains(&slice)), "{name}");
    }
}

#[test]
fn nobody_starves_under_any_policy() {
    for &name in POLICIES {
        let got = spin(name, &[1, 100, 10_000], 20_000);
        assert!(got.iter().all(|&ticks| ticks > 0), "{name}: {got:?}");
    }
}

#[test]
fn equals_get_equal_shares_under_round_robin_and_fair() {
    for name in ["round-robin", "fair"] {
        let got = spin(name, &[100; 5], 5000);
        assert!(got.iter().all(|&ticks| ticks == got[0]), "{name}: {got:?}");
    }
}

#[test]
fn fair_shares_follow_the_weights_within_two_percent() {
    let weights = [50, 100, 200, 300];
    let got = spin("fair", &weights, 10_000);
    let (all, sum) = (got.iter().sum::<u64>() as f64, weights.iter().sum::<u32>() as f64);
    for (ticks, weight) in got.iter().zip(weights) {
        let error = *ticks as f64 / all - f64::from(weight) / sum;
        assert!(error.abs() < 0.02, "{got:?} for {weights:?}");
    }
}

#[test]
fn fair_gives_a_sleeper_hardly_any_credit_for_its_absence() {
    let (mut tasks, mut policy) = (Tasks::try_new(2).unwrap(), policy("fair"));
    let (spinner, sleeper) = (Slot::new(0), Slot::new(1));
    policy.enqueue(&mut tasks, spinner, Enter::Started, 0);
    for _ in 0..1000 {
        assert_eq!(policy.pick(&mut tasks).unwrap().task, spinner);
        policy.enqueue(&mut tasks, spinner, Enter::SliceUsedUp, SETTINGS.quantum);
    }
    policy.enqueue(&mut tasks, sleeper, Enter::Woken, 0);
    let mut turns = HashMap::new();
    for _ in 0..20 {
        let pick = policy.pick(&mut tasks).unwrap();
        *turns.entry(pick.task.index()).or_insert(0) += 1;
        policy.enqueue(&mut tasks, pick.task, Enter::SliceUsedUp, SETTINGS.quantum);
    }
    assert!((9..=11).contains(&turns[&1]), "{turns:?}");
}

/// As a parent does that starts the next when one has ended.
#[test]
fn fair_gives_short_lives_one_after_another_no_more_than_one_long_one() {
    let (mut tasks, mut policy) = (Tasks::try_new(2).unwrap(), policy("fair"));
    let (long, short) = (Slot::new(0), Slot::new(1));
    policy.enqueue(&mut tasks, long, Enter::Started, 0);
    let mut got = [0; 2];
    for _ in 0..1000 {
        tasks.enter(short, 0);
        policy.enqueue(&mut tasks, short, Enter::Started, 0);
        while policy.pick(&mut tasks).unwrap().task == long {
            got[0] += SETTINGS.quantum;
            policy.enqueue(&mut tasks, long, Enter::SliceUsedUp, SETTINGS.quantum);
        }
        let ran = SETTINGS.quantum / 10;
        got[1] += ran;
        policy.left(&mut tasks, short, Leave::Exited, ran);
    }
    assert!(got[0].abs_diff(got[1]) <= got[1] / 50, "{got:?}");
}

#[test]
fn priority_prefers_the_higher_level() {
    let got = spin("priority", &[25, 200], 1700);
    assert!(got[1] > 10 * got[0], "{got:?}");
}

#[test]
fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
    let schedule = |seed| {
        let settings = Settings { seed, ..SETTINGS };
        let mut policy = AnyPolicy::by_name("seeded", &settings).unwrap();
        let mut tasks = Tasks::try_new(5).unwrap();
        (0..5).for_each(|i| policy.enqueue(&mut tasks, Slot::new(i), Enter::Started, 0));
        let mut picks = Vec::new();
        for _ in 0..200 {
            let pick = policy.pick(&mut tasks).unwrap();
            picks.push((pick.task.index(), pick.slice));
            policy.enqueue(&mut tasks, pick.task, Enter::SliceUsedUp, 1);
        }
        picks
    };
    assert_eq!(schedule(1), schedule(1));
    assert_ne!(schedule(1), schedule(2));
}

#[test]
fn what_was_woken_runs_next_however_many_compute() {
    for name in ["round-robin", "fair"] {
        let (mut tasks, mut policy) = (Tasks::try_new(5).unwrap(), policy(name));
        (1..5).for_each(|i| policy.enqueue(&mut tasks, Slot::new(i), Enter::Started, 0));
        for _ in 0..100 {
            let running = policy.pick(&mut tasks).unwrap().task;
            policy.enqueue(&mut tasks, Slot::new(0), Enter::Woken, 0);
            policy.enqueue(&mut tasks, running, Enter::SliceUsedUp, SETTINGS.quantum);
            assert_eq!(policy.pick(&mut tasks).unwrap().task, Slot::new(0), "{name}");
            policy.left(&mut tasks, Slot::new(0), Leave::Blocked, 1);
        }
    }
}

#[test]
fn round_robin_serves_all_that_were_woken_until_they_had_a_quantum_together() {
    const SHORT: u64 = SETTINGS.quantum / 10;
    let (mut tasks, mut policy) = (Tasks::try_new(31).unwrap(), policy("round-robin"));
    let spinner = Slot::new(30);
    policy.enqueue(&mut tasks, spinner, Enter::Started, 0);
    let mut order = Vec::new();
    (0..30).for_each(|i| policy.enqueue(&mut tasks, Slot::new(i), Enter::Woken, 0));
    for _ in 0..34 {
        let task = policy.pick(&mut tasks).unwrap().task;
        order.push(task == spinner);
        if task == spinner {
            policy.enqueue(&mut tasks, spinner, Enter::SliceUsedUp, SETTINGS.quantum);
        } else {
            policy.left(&mut tasks, task, Leave::Blocked, SHORT);
        }
    }
    let turns: Vec<_> = (0..34).filter(|&at| order[at]).collect();
    assert_eq!(turns, [10, 21, 32, 33]);
}

#[test]
fn sweep_gives_every_slice_up_to_a_quantum_in_turn() {
    let got = spin("sweep", &[100], 2000);
    assert_eq!(got, [2 * (1..=SETTINGS.quantum).sum::<u64>()]);
}
