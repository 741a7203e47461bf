//! What the kernel's operations may cost: `scripts/bench/budgets.json`, counted in instructions.
//!
//! The figures repeat exactly, so a change that makes one worse by more than a twentieth is seen at
//! once. One that makes it better shall write the new figure down.

use orbital_tests::{Machine, Result};
use serde_json::Value;

/// How much worse than its figure an operation may get.
const TOLERANCE: f64 = 1.05;

/// One operation of the table.
struct Budget {
    name: String,
    /// What it took when it was last written down.
    figure: f64,
    /// What it must not exceed; none if it has no limit, or has not been brought below it yet.
    must: Option<f64>,
}

fn budgets() -> Result<Vec<Budget>> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/bench/budgets.json");
    let text = std::fs::read_to_string(file)?;
    let table: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let rows = table.as_array().ok_or("the budgets are no list")?;
    let budget = |row: &Value| {
        let figure = row["figure"].as_f64()?;
        let must = row["must"].as_f64().filter(|must| figure <= *must);
        Some(Budget { name: row["name"].as_str()?.to_owned(), figure, must })
    };
    Ok(rows.iter().filter_map(budget).collect())
}

/// What `bench` says of `name`: the median, or the value.
fn measured(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (_, said) = line.split_once(&format!("bench: {name} "))?;
        let mut words = said.split(' ').skip_while(|word| !matches!(*word, "median" | "is"));
        words.nth(1)?.parse().ok()
    })
}

#[test]
fn no_operation_costs_more_than_it_did_or_than_it_must() -> Result {
    let mut machine = Machine::builder()
        .cmdline("run=\"bench --instructions\" poweroff=yes quiet=yes")
        .cpu("max,-erms")
        .memory_mib(256)
        .icount(0)
        .boot()?;
    machine.expect("bench: done")?;
    let text = machine.transcript();
    let mut compared = 0;
    for Budget { name, figure, must } in budgets()? {
        // What bench.sh alone measures has no line here.
        let Some(now) = measured(text, &name) else { continue };
        assert!(now <= figure * TOLERANCE, "{name}: {now}, it was {figure}");
        assert!(must.is_none_or(|must| now <= must), "{name}: {now}, it must be {must:?}");
        compared += 1;
    }
    assert!(compared >= 10, "{text}");
    Ok(())
}

#[test]
fn a_switch_costs_the_same_among_a_thousand_processes() -> Result {
    let mut machine = Machine::builder()
        .cmdline("run=\"bench --instructions yield_2 yield_1000\" poweroff=yes quiet=yes")
        .memory_mib(256)
        .icount(0)
        .boot()?;
    machine.expect("bench: done")?;
    let text = machine.transcript();
    let few = measured(text, "yield_2").ok_or("no figure for two")?;
    let many = measured(text, "yield_1000").ok_or("no figure for a thousand")?;
    assert!(many <= few * TOLERANCE, "{few} among two, {many} among a thousand");
    Ok(())
}

#[test]
fn figures_are_refused_where_the_clock_does_not_count_instructions() -> Result {
    let mut machine = Machine::builder().run("bench --instructions syscall_getpid").boot()?;
    machine.expect("bench: refused: a loop of 10000 instructions takes")?;
    Ok(())
}
