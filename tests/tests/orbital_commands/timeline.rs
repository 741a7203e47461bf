//! `orbital timeline`: a picture that is exactly what `orbital switches` lists.

use std::collections::BTreeMap;
use std::fs;

use orbital_tests::Result;
use serde_json::Value;

use crate::{at_the_end_of_boot, folder, goes_on_to, machine};

const CPUS: u64 = 1;

/// A time of the file in nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "no run lasts 292 years")]
fn nanos(event: &Value, key: &str) -> i64 {
    (event[key].as_f64().unwrap_or(-1e9) * 1000.0).round() as i64
}

#[test]
fn its_slices_are_the_stays_between_the_switches_without_gap_or_overlap() -> Result {
    let programs = "run=\"pingpong 40; waiter; spin\" sched=round-robin quantum=1ms";
    let machine = machine(programs)?;
    let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
    // Whoever waits for a child has waited for many.
    gdb.command("tbreak orbital_debug_exited if $rdi > 20")?;
    goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
    let file = folder("timeline")?.join("timeline.json");
    let told = gdb.command(&format!("orbital timeline {}", file.display()))?;
    let listed = gdb.command("orbital switches all")?;
    let text = fs::read_to_string(&file)?;
    fs::remove_dir_all(folder("timeline")?)?;

    let rows: Vec<Vec<_>> =
        listed.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.len() > 100, "{listed}");
    let when = |row: &[&str]| row[1].replace('.', "").parse::<i64>().ok();
    let whole: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let events = whole["traceEvents"].as_array().ok_or("a list of events")?;
    let mut tracks = BTreeMap::<_, Vec<_>>::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        let start = nanos(event, "ts");
        let slice = (start, start + nanos(event, "dur"), event);
        tracks.entry((event["pid"].as_u64(), event["tid"].as_u64())).or_default().push(slice);
    }
    let cpu = &tracks[&(Some(CPUS), Some(0))];
    assert_eq!(cpu.len(), rows.len() - 1, "one for each switch but the last, which goes on");
    assert!(told.starts_with(&format!("{} slices written to ", cpu.len())), "{told}");
    for ((start, end, event), pair) in cpu.iter().zip(rows.windows(2)) {
        assert_eq!((Some(*start), Some(*end)), (when(&pair[0]), when(&pair[1])), "{pair:?}");
        let [number, why] = ["switch", "why"].map(|key| &event["args"][key]);
        assert_eq!(number.to_string(), pair[0][0], "{pair:?}");
        assert!(why.as_str().is_some_and(|why| pair[1].contains(&why)), "{why}: {pair:?}");
        assert_eq!(
            event["args"]["pid"].to_string(),
            pair[1][2],
            "who came is who leaves: {pair:?}"
        );
    }
    for (track, slices) in &mut tracks {
        slices.sort_by_key(|slice| slice.0);
        assert!(slices.windows(2).all(|pair| pair[0].1 <= pair[1].0), "overlap in {track:?}");
    }
    Ok(())
}
