//! What `scripts/trace.sh` leaves is the run that the kernel recorded: held here against the record
//! itself, by a reading of it that shares nothing with the scripts.

mod shown;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use orbital_tests::{Result, run_options, workspace};
use serde_json::Value;

use shown::{check_ftrace, check_picture};

const IDLE: &str = "2147483646";

/// A folder for one test's files.
fn folder(name: &str) -> PathBuf {
    workspace().join("target/orbital/trace-test").join(name)
}

fn trace(to: &Path, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(workspace().join("scripts/trace.sh"))
        .arg("--to")
        .arg(to)
        .args(["--timeout", "60"])
        .args(run_options(arguments.iter().copied()))
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

/// The rows of a record that start with `kind`, as words.
fn rows<'a>(record: &'a str, kind: &str) -> Vec<Vec<&'a str>> {
    let words = |line: &'a str| line.split(' ').collect::<Vec<_>>();
    record.lines().map(words).filter(|row| row[0] == kind).collect()
}

/// A time of the trace in whole nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "no run lasts 292 years")]
fn nanos(event: &Value, key: &str) -> i64 {
    (event[key].as_f64().unwrap_or(-1e9) * 1000.0).round() as i64
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["ph"] == kind).collect()
}

/// Start, end, and the event itself.
type Slice<'a> = (i64, i64, &'a Value);

/// The slices of each track, in order.
fn tracks(events: &[Value]) -> HashMap<(u64, u64), Vec<Slice<'_>>> {
    let mut tracks = HashMap::<_, Vec<_>>::new();
    for event in of_kind(events, "X") {
        let track = (event["pid"].as_u64().unwrap_or(0), event["tid"].as_u64().unwrap_or(0));
        let start = nanos(event, "ts");
        tracks.entry(track).or_default().push((start, start + nanos(event, "dur"), event));
    }
    tracks.values_mut().for_each(|slices| slices.sort_by_key(|slice| slice.0));
    tracks
}

const WORKLOAD: &str =
    "run=\"pingpong 20; waiter; spin 1\" poweroff=yes sched=round-robin quantum=1ms";

#[test]
fn the_trace_is_the_run_without_gap_or_overlap() -> Result {
    let to = folder("whole");
    let output = trace(&to, &["--append", WORKLOAD])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let record = fs::read_to_string(to.join("record"))?;
    let switches = rows(&record, "switch");
    assert!(switches.len() > 100 && rows(&record, "lost")[0] == ["lost", "0", "0"]);
    for why in ["idle", "yielded", "blocked:child", "exited", "slice-used-up", "killed"] {
        assert!(switches.iter().any(|row| row[6] == why), "nobody left the CPU because: {why}");
    }
    for (number, pair) in switches.windows(2).enumerate() {
        assert_eq!(pair[0][1], number.to_string());
        assert_eq!(pair[0][5], pair[1][4], "who leaves is who came: {pair:?}");
    }

    let text = fs::read_to_string(to.join("trace.json"))?;
    let whole: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let events = whole["traceEvents"].as_array().ok_or("a list of events")?;
    check_cpu(&tracks(events)[&(1, 0)], &switches);
    check_tasks(events);
    check_arrows(events, &rows(&record, "effect"), &switches);
    check_ftrace(&fs::read_to_string(to.join("trace.ftrace"))?, &switches);
    check_picture(&fs::read_to_string(to.join("trace.svg"))?, &record, &switches);
    Ok(())
}

/// One slice for each switch, each up to the next, with the reason of the next.
fn check_cpu(slices: &[Slice<'_>], switches: &[Vec<&str>]) {
    assert_eq!(slices.len(), switches.len());
    assert_eq!(slices[0].0, 0);
    for (pair, switch) in slices.windows(2).zip(&switches[1..]) {
        assert_eq!(pair[0].1, pair[1].0, "a gap or an overlap before {switch:?}");
        assert_eq!(pair[0].2["args"]["why"], switch[6], "{switch:?}");
        assert_eq!(pair[0].2["args"]["rip"], format!("0x{}", switch[7]), "{switch:?}");
    }
    for (slice, switch) in slices.iter().zip(switches) {
        let name = slice.2["name"].as_str().unwrap_or_default();
        assert_eq!(name == "idle", switch[5] == IDLE, "{switch:?}: {name}");
        assert_eq!(slice.2["args"]["switch"].to_string(), switch[1]);
    }
}

/// A task does one thing at a time, and runs exactly when the CPU is its own.
fn check_tasks(events: &[Value]) {
    let all = tracks(events);
    let mut on_cpu: Vec<_> = all[&(1, 0)].iter().filter(|s| s.2["name"] != "idle").collect();
    let mut running: Vec<&Slice<'_>> = Vec::new();
    for (_, slices) in all.iter().filter(|(track, _)| track.0 == 2) {
        assert!(slices.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{slices:?}");
        running.extend(slices.iter().filter(|slice| slice.2["cat"] == "running"));
    }
    running.sort_by_key(|slice| (slice.0, slice.2["args"]["switch"].as_u64()));
    on_cpu.sort_by_key(|slice| (slice.0, slice.2["args"]["switch"].as_u64()));
    let spans = |slices: &[&Slice<'_>]| slices.iter().map(|s| (s.0, s.1)).collect::<Vec<_>>();
    assert_eq!(spans(&running), spans(&on_cpu));
}

/// Every arrow leads from within a slice to the beginning of a later one.
fn check_arrows(events: &[Value], effects: &[Vec<&str>], switches: &[Vec<&str>]) {
    let all = tracks(events);
    let (starts, ends) = (of_kind(events, "s"), of_kind(events, "f"));
    let slices =
        |end: &Value| &all[&(end["pid"].as_u64().unwrap_or(0), end["tid"].as_u64().unwrap_or(0))];
    for (start, end) in starts.iter().zip(&ends) {
        assert_eq!(start["id"], end["id"]);
        let (from, to) = (nanos(start, "ts"), nanos(end, "ts"));
        assert!(from <= to, "{start} {end}");
        assert!(
            slices(start).iter().any(|slice| (slice.0..slice.1.max(slice.0 + 1)).contains(&from))
        );
        assert!(slices(end).iter().any(|slice| slice.0 == to && slice.2["cat"] == "running"));
    }
    let first: u64 = switches[0][2].parse().unwrap_or(0);
    let after = |row: &&Vec<&str>| row[2].parse().is_ok_and(|time: u64| time >= first);
    // A task may be killed, or the run end, before the turn it was started or woken for.
    let had_a_turn = |row: &&Vec<&str>| {
        let since = row[2].parse::<u64>().ok();
        switches.iter().any(|switch| switch[5] == row[5] && switch[2].parse().ok() >= since)
    };
    let effects = effects.iter().filter(after).filter(|row| row[6] != "killed");
    let expected = effects.filter(had_a_turn).count();
    assert_eq!((starts.len(), ends.len()), (expected, expected));
}

#[test]
fn of_a_ring_that_wrapped_the_loss_is_told() -> Result {
    let to = folder("wrapped");
    let append = "run=\"pingpong 50\" poweroff=yes trace=16";
    let output = trace(&to, &["--append", append])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let record = fs::read_to_string(to.join("record"))?;
    let lost = rows(&record, "lost")[0][1];
    assert!(lost.parse().is_ok_and(|lost: u64| lost > 50), "{lost}");
    assert!(said.contains("16 switches by "), "{said}");
    assert!(said.contains(&format!("; {lost} earlier ones are lost")), "{said}");
    let text = fs::read_to_string(to.join("trace.json"))?;
    let whole: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let events = whole["traceEvents"].as_array().ok_or("a list of events")?;
    check_cpu(&tracks(events)[&(1, 0)], &rows(&record, "switch"));
    Ok(())
}

#[test]
fn a_run_that_does_not_end_by_itself_leaves_no_trace_and_says_why() -> Result {
    let output = trace(&folder("left"), &["--timeout", "4"])?;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no trace of it (poweroff=yes"), "{said}");
    Ok(())
}

/// The switches of a run under `seeded`, as the kernel recorded them. Time counts from the first: how
/// long the boot loader waits for the disk is the host's doing.
fn seeded(name: &str, seed: u64) -> Result<Vec<String>> {
    let to = folder(name);
    let programs = "run=\"say one 40; say two 40; registers 400 1; say three 40\" poweroff=yes";
    let append = format!("sched=seeded quantum=200us seed={seed} {programs}");
    let output = trace(&to, &["--deterministic", "--append", &append])?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("[kernel] policy seeded: seed {seed}")), "{said}");
    let record = fs::read_to_string(to.join("record"))?;
    assert_eq!(rows(&record, "lost")[0], ["lost", "0", "0"]);
    let mut start = None;
    let since_start = |row: Vec<&str>| {
        let time = row[2].parse::<u64>().map_err(|error| format!("{row:?}: {error}"))?;
        Ok(format!("{} {} {}", row[1], time - *start.get_or_insert(time), row[3..].join(" ")))
    };
    rows(&record, "switch").into_iter().map(since_start).collect()
}

#[test]
fn the_same_seed_gives_the_same_switches_byte_for_byte_and_another_seed_others() -> Result {
    let first = seeded("seed-7", 7)?;
    println!("{} switches", first.len());
    for why in ["slice-used-up", "yielded", "blocked:work", "exited"] {
        assert!(first.iter().any(|row| row.contains(why)), "nobody left the CPU because: {why}");
    }
    assert_eq!(first, seeded("seed-7-again", 7)?);
    assert_ne!(first, seeded("seed-8", 8)?);
    Ok(())
}
