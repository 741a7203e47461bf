//! The page of promises stays true: it has a row for every rule, and every test it names exists.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use orbital_tests::{Result, workspace};

/// The rules by their letters: how many there are of each.
const RULES: [(&str, u32); 6] = [("C", 11), ("E", 18), ("S", 15), ("U", 13), ("L", 6), ("R", 5)];

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

#[test]
fn every_rule_has_a_row_and_every_test_that_is_named_exists() -> Result {
    let page = fs::read_to_string(workspace().join("kernel/PROMISES.md"))?;
    let mut known = BTreeSet::new();
    for folder in ["arch/src", "kernel", "tests/tests"] {
        functions(&workspace().join(folder), &mut known)?;
    }
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
    let rules =
        RULES.iter().flat_map(|(letter, count)| (1..=*count).map(move |n| format!("{letter}{n}")));
    for rule in rules.filter(|rule| !FOR_MORE_CPUS.contains(&rule.as_str())) {
        assert!(rows.contains(&rule), "no row for {rule}");
    }
    for promise in 1..=6 {
        assert!(rows.contains(&promise.to_string()), "no row for promise {promise}");
    }
    Ok(())
}
