//! What the kernel's operations cost, held to what is written down: `scripts/bench/budgets.json`,
//! counted in instructions, and the table of the README.
//!
//! The figures repeat exactly, so a change that makes one differ by more than a twentieth is seen at
//! once. One that means to runs `scripts/bench.sh --update`, which writes both files.

use std::fs;
use std::process::{Command, Stdio};
use std::str::FromStr;

use orbital_tests::{Builder, Machine, Result, workspace};
use serde_json::Value;

/// How much an operation may differ from its figure.
const TOLERANCE: f64 = 0.05;

/// One operation of the table.
struct Budget {
    name: String,
    /// Its row in the README.
    what: String,
    /// What it took when it was last written down.
    figure: f64,
    /// What it must not exceed; none if it has no limit, or has not been brought below it yet.
    must: Option<f64>,
    /// Taken off what `bench` says.
    less: f64,
    /// What `bench` runs for it, if that needs a machine of its own.
    operation: Option<String>,
    /// MiB of that machine.
    memory: u32,
    /// Its kernel command line.
    append: String,
}

fn budgets() -> Result<Vec<Budget>> {
    let table: Value = serde_json::from_str(&file("scripts/bench/budgets.json")?)
        .map_err(|error| error.to_string())?;
    let rows = table.as_array().ok_or("the budgets are no list")?;
    let text = |row: &Value, key| row[key].as_str().map(str::to_owned);
    let budget = |row: &Value| {
        let figure = row["figure"].as_f64()?;
        Some(Budget {
            name: text(row, "name")?,
            what: text(row, "what")?,
            figure,
            must: row["must"].as_f64().filter(|must| figure <= *must),
            less: row["less"].as_f64().unwrap_or(0.0),
            operation: text(row, "operation"),
            memory: row["memory"].as_u64().and_then(|mib| mib.try_into().ok()).unwrap_or(256),
            append: text(row, "append").unwrap_or_default(),
        })
    };
    rows.iter()
        .map(|row| {
            budget(row).ok_or_else(|| format!("not a budget, or without figure: {row}").into())
        })
        .collect()
}

/// A file of the repository.
fn file(path: &str) -> Result<String> {
    Ok(fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR")))?)
}

fn number<N: FromStr>(text: &str) -> Result<N> {
    text.parse().map_err(|_| format!("not a number: {text}").into())
}

/// A machine that counts instructions, as `scripts/bench.sh` has it.
fn counting(memory: u32) -> Builder {
    Machine::builder().cpu("max,phys-bits=39,-erms").memory_mib(memory).icount(0)
}

/// What `bench` prints of these operations; of all, if there are none.
#[track_caller]
fn bench(operations: &str, memory: u32, append: &str) -> Result<String> {
    let mut machine = counting(memory)
        .cmdline(format!(
            "run=\"bench --instructions {operations}\" poweroff=yes quiet=yes \
             limit-children=16000 sched=cooperative {append}"
        ))
        .boot()?;
    machine.expect("bench: done")?;
    Ok(machine.transcript().to_owned())
}

/// What `bench` says of `name`: the median, or the value.
fn measured(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| {
        let (_, said) = line.split_once(&format!("bench: {name} "))?;
        let mut words = said.split(' ').skip_while(|word| !matches!(*word, "median" | "is"));
        words.nth(1)?.parse().ok()
    })
}

impl Budget {
    /// What is wrong with what `bench` said, `name` being what it calls the operation.
    fn complaint(&self, text: &str, name: &str) -> Option<String> {
        let Some(said) = measured(text, name) else {
            return Some(format!("{}: bench says nothing of it", self.name));
        };
        let (name, figure, now) = (&self.name, self.figure, said - self.less);
        if let Some(must) = self.must.filter(|must| now > *must) {
            Some(format!("{name}: {now}, it must not exceed {must}"))
        } else if (now - figure).abs() > figure * TOLERANCE {
            Some(format!(
                "{name}: {now}, it was {figure} (scripts/bench.sh --update writes it down)"
            ))
        } else {
            None
        }
    }
}

#[test]
fn no_operation_costs_more_than_it_did_or_than_it_must() -> Result {
    let text = bench("", 256, "")?;
    let budgets = budgets()?;
    let here = |budget: &&Budget| budget.operation.is_none() && budget.name != SMALLEST;
    let complaints: Vec<_> = budgets
        .iter()
        .filter(here)
        .filter_map(|budget| budget.complaint(&text, &budget.name))
        .collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

#[test]
fn nor_does_one_that_needs_a_machine_of_its_own() -> Result {
    let mut complaints = vec![];
    for budget in budgets()? {
        if let Some(operation) = &budget.operation {
            let text = bench(operation, budget.memory, &budget.append)?;
            let name =
                if measured(&text, &budget.name).is_some() { &budget.name } else { operation };
            complaints.extend(budget.complaint(&text, name));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    Ok(())
}

#[test]
fn a_switch_costs_the_same_among_ten_thousand_processes() -> Result {
    let budgets = budgets()?;
    let figure = |name| {
        let of_name = budgets.iter().find(|budget| budget.name == name);
        of_name.map(|budget| budget.figure).ok_or(format!("no budget {name}"))
    };
    let two = figure("yield_2")?;
    for many in ["yield_10", "yield_100", "yield_1000", "yield_10000"] {
        let figure = figure(many)?;
        assert!(figure <= two * (1.0 + TOLERANCE), "{many}: {figure}, among two {two}");
    }
    Ok(())
}

/// The least memory that shows a prompt, in MiB.
const SMALLEST: &str = "boot.smallest_MiB";

#[test]
fn the_smallest_memory_of_the_table_boots() -> Result {
    let budgets = budgets()?;
    let smallest = budgets.iter().find(|budget| budget.name == SMALLEST).ok_or("no budget")?;
    assert!(smallest.must.is_some_and(|must| smallest.figure <= must));
    let mut machine = counting(number(&format!("{:.0}", smallest.figure))?)
        .cmdline("sched=cooperative")
        .boot()?;
    machine.expect("orbital>")?;
    Ok(())
}

#[test]
fn the_readme_shows_what_is_written_down() -> Result {
    let readme = file("README.md")?;
    for Budget { what, figure, .. } in budgets()? {
        let row = readme.lines().find_map(|line| line.strip_prefix(&format!("| {what} | ")));
        let cell = row.and_then(|row| row.split(" | ").next()).ok_or(format!("no row {what:?}"))?;
        let shown: f64 = number(&cell.replace([',', '*'], ""))?;
        let rounding = if figure < 100.0 { 0.051 } else { 0.51 };
        assert!(
            (shown - figure).abs() < rounding,
            "{what}: {cell} in the README, written down {figure}"
        );
    }
    Ok(())
}

/// A program that makes one call over and over executes the very instructions that the path lists;
/// of a forced switch `bench` sees a turn or two of the loops that watch the clock besides.
#[test]
fn what_the_path_lists_is_what_is_measured() -> Result {
    let budgets = budgets()?;
    for (path, name, more) in [("yield", "yield_1000", 0.5), ("tick", "preempt_switch", 14.0)] {
        let output = Command::new(workspace().join("scripts/path.sh"))
            .arg(path)
            .stdin(Stdio::null())
            .output()?;
        let walk = String::from_utf8_lossy(&output.stdout);
        let (_, sum) = walk.rsplit_once("; together ").ok_or(format!("no sum: {output:?}"))?;
        let listed: f64 = number(sum.lines().next().unwrap_or_default())?;
        let budget = budgets.iter().find(|budget| budget.name == name).ok_or("no budget")?;
        // As exact as the figures are held.
        let slack = budget.figure * TOLERANCE;
        let least = listed - slack;
        assert!(
            (least..=listed + more + slack).contains(&budget.figure),
            "{path}: {listed} listed, {} measured\n{walk}",
            budget.figure
        );
    }
    Ok(())
}

#[test]
fn figures_are_refused_where_the_clock_does_not_count_instructions() -> Result {
    let cmdline = "run=\"bench --instructions syscall_getpid\" sched=cooperative";
    let mut machine = Machine::builder().cmdline(cmdline).boot()?;
    machine.expect("bench: refused: a loop of 10000 instructions takes")?;
    Ok(())
}
