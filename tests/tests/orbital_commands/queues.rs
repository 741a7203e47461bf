//! `orbital queue` and `orbital policy` under every policy: the ready tasks, in the order in which
//! they are going to run.

use std::collections::BTreeSet;

use orbital_tests::{Debugger, Result};

use crate::{at_the_end_of_boot, goes_on_to, machine};

/// A line of `orbital queue`.
#[derive(Debug)]
struct Row {
    pid: u64,
    weight: u64,
    /// The number of its level, or its key.
    place: u64,
}

fn queue(gdb: &mut Debugger, heading: &str) -> Result<Vec<Row>> {
    let said = gdb.command("orbital queue")?;
    assert!(said.starts_with(heading), "{heading}: {said}");
    let rows = said.lines().skip(1).map(|row| {
        let words: Vec<_> = row.split_whitespace().collect();
        let [pid, _, "weight", weight, "level" | "key", place] = words[..] else { return None };
        let number = |word: &str| word.parse().ok();
        Some(Row { pid: number(pid)?, weight: number(weight)?, place: number(place)? })
    });
    rows.collect::<Option<_>>().ok_or_else(|| said.into())
}

/// The pid of the terminal's task.
const TERMINAL: &str = "2147483647";

/// The pids that `orbital ps` says are ready.
fn ready(gdb: &mut Debugger) -> Result<BTreeSet<u64>> {
    let said = gdb.command("orbital ps")?;
    let words = said.lines().map(|line| line.trim_start_matches('*').split_whitespace());
    let ready =
        words.map(Iterator::collect::<Vec<_>>).filter(|words| words.get(2) == Some(&"Ready"));
    Ok(ready.filter_map(|words| words[0].parse().ok()).collect())
}

#[test]
fn the_queue_is_the_ready_set_and_its_first_runs_next() -> Result {
    for (policy, order) in [
        ("cooperative", "first to run first"),
        ("round-robin", "first to run first"),
        ("priority", "first to run first"),
        ("fair", "least key first"),
        ("seeded", "in no order"),
    ] {
        let programs = "inferior 1 1000000; inferior 2 1000000; inferior 3 1000000";
        let machine = machine(&format!("run=\"{programs}\" sched={policy} quantum=5ms"))?;
        let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
        // From then on nobody is started, and nobody woken but the terminal's task, which shows what
        // was written.
        gdb.command("orbital break-switch 1")?;
        goes_on_to(&mut gdb, "about to switch: ")?;
        gdb.command("orbital break-switch")?;
        let mut before: Vec<Row> = Vec::new();
        for turn in 0..16 {
            gdb.enter("continue")?;
            let switch = gdb.expect("about to switch: pid {} -> pid {}")?;
            gdb.prompt()?;
            let next = before.iter().position(|row| switch[1].trim() == row.pid.to_string());
            // Of equal keys any may be next.
            let first = match policy {
                "fair" => before.iter().take_while(|row| row.place == before[0].place).count(),
                "seeded" => before.len(),
                _ => 1,
            };
            let woken = next.is_none() && switch[1].trim() == TERMINAL;
            let right = turn == 0 || woken || next.is_some_and(|next| next < first);
            assert!(right, "{policy}, {turn}: {before:?} {switch:?}");
            let ready = ready(&mut gdb)?;
            let heading = format!("policy {policy}: {} ready, {order}", ready.len());
            let rows = queue(&mut gdb, &heading)?;
            let pids: BTreeSet<_> = rows.iter().map(|row| row.pid).collect();
            assert_eq!((&pids, pids.len()), (&ready, rows.len()), "{policy}: {rows:?}");
            let told = gdb.command("orbital policy")?;
            assert_eq!(told, format!("policy {policy}, quantum 5 ms, {} ready\n", ready.len()));
            before = rows;
        }
    }
    Ok(())
}

#[test]
fn weights_order_the_queue() -> Result {
    for (policy, order) in [("priority", "first to run first"), ("fair", "least key first")] {
        let programs = "meter 100s 50; meter 100s 150; meter 100s 300";
        let machine = machine(&format!("run=\"{programs}\" sched={policy} quantum=1ms"))?;
        let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
        for _ in 0..40 {
            gdb.command("tbreak vector_20")?;
            goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
        }
        let heading = format!("policy {policy}: 2 ready, {order}");
        let rows = queue(&mut gdb, &heading)?;
        for row in &rows {
            let started = [(1, 50), (2, 150), (3, 300)];
            assert!(started.contains(&(row.pid, row.weight)), "{rows:?}");
        }
        let places: Vec<_> = rows.iter().map(|row| row.place).collect();
        match policy {
            "fair" => assert!(places.is_sorted() && places[0] > 0, "{rows:?}"),
            _ => assert!(places.is_sorted_by(|a, b| a > b), "{rows:?}"),
        }
    }
    Ok(())
}
