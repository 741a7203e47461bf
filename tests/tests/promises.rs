//! The pages of promises stay true: they have a row for every rule, and every test they name exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use orbital_tests::{Result, workspace};

/// A page's rules by their letters: how many there are of each. Promises have a number alone.
type Rules = &'static [(&'static str, u32)];

const KERNEL: Rules = &[("", 6), ("C", 11), ("E", 18), ("S", 15), ("U", 13), ("L", 6), ("R", 5)];
const DEBUGGING: Rules = &[("R", 23)];

/// Rules that bind only a second CPU.
const FOR_MORE_CPUS: [&str; 3] = ["E5", "E6", "S10"];

/// Adds the names of all functions below `directory`.
fn functions(directory: &Path, names: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            functions(&path, names)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path)?;
            let after = text.split("fn ").skip(1);
            names.extend(after.filter_map(|rest| Some(rest.split('(').next()?.to_owned())));
        }
    }
    Ok(())
}

/// The rules that have a row on a page, each of which names tests that are `known`.
fn rows(page: &str, known: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let page = fs::read_to_string(workspace().join(page))?;
    let mut rows = BTreeSet::new();
    for line in page.lines().filter(|line| {
        line.starts_with("| ") && !line.starts_with("| rule") && !line.starts_with("| promise")
    }) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [rule, what, tests] = cells[..] else {
            panic!("three cells: {line}");
        };
        assert!(!what.is_empty(), "{line}");
        // Names stand in backquotes, and nothing else does in that column.
        let named: Vec<_> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test: {line}");
        for name in named {
            assert!(known.contains(name), "no such test: {name} in {line}");
        }
        assert!(rows.insert(rule.to_owned()), "twice: {line}");
    }
    Ok(rows)
}

#[test]
fn every_rule_has_a_row_and_every_test_that_is_named_exists() -> Result {
    let mut known = BTreeSet::new();
    for folder in ["arch/src", "kernel", "tests/tests"] {
        functions(&workspace().join(folder), &mut known)?;
    }
    for (page, rules) in [("kernel/PROMISES.md", KERNEL), ("scripts/gdb/PROMISES.md", DEBUGGING)] {
        let rows = rows(page, &known)?;
        let rules = rules
            .iter()
            .flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}")));
        for rule in rules.filter(|rule| !FOR_MORE_CPUS.contains(&rule.as_str())) {
            assert!(rows.contains(&rule), "{page} has no row for {rule}");
        }
    }
    Ok(())
}
