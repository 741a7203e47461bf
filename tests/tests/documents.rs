//! The sessions that the documents show, run as they stand there.

use std::fs;
use std::path::{Path, PathBuf};

use orbital_tests::{Result, transcript, workspace};

/// What is run: documents, of some only a section.
const README: &str = "README.md";
const TOUR: &str = "scripts/gdb/TOUR.md";
const ORBITAL_GDB: &str = "scripts/orbital-gdb/README.md";
const FIRST: &str = "A first session";
const PROGRAMS: &str = "Programs and policies of your own";
const SWITCH: &str = "Looking at a switch in gdb";
const TIME: &str = "Going back in time";
const BOCHS: &str = "On another CPU: Bochs";

#[test]
fn the_readme_starts_three_shells() -> Result {
    transcript::run_markdown(README, Some(FIRST))
}

#[test]
fn the_readme_runs_programs() -> Result {
    transcript::run_markdown(README, Some(PROGRAMS))
}

#[test]
fn the_readme_looks_at_a_switch() -> Result {
    transcript::run_markdown(README, Some(SWITCH))
}

#[test]
fn the_readme_goes_back_in_time() -> Result {
    transcript::run_markdown(README, Some(TIME))
}

#[test]
fn the_readme_boots_bochs() -> Result {
    transcript::run_markdown(README, Some(BOCHS))
}

#[test]
fn the_tour_of_one_context_switch() -> Result {
    transcript::run_markdown(TOUR, None)
}

#[test]
fn the_proxy_lists_its_tasks() -> Result {
    transcript::run_markdown(ORBITAL_GDB, None)
}

/// Every Markdown file of the project.
fn documents(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(documents(&path)?);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Sections of a document that type something into gdb.
fn sections_with_gdb(text: &str) -> Vec<String> {
    let (mut found, mut section, mut inside) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if let (false, Some(title)) = (inside, line.strip_prefix("## ")) {
            title.clone_into(&mut section);
        } else if inside && line.trim_start().starts_with("(gdb)") {
            found.push(section.clone());
        }
    }
    found.dedup();
    found
}

#[test]
fn every_gdb_session_in_a_document_is_run() -> Result {
    for path in documents(workspace())? {
        let name = path.strip_prefix(workspace()).unwrap_or(&path).to_string_lossy().into_owned();
        let all = [TOUR, ORBITAL_GDB].contains(&name.as_str());
        for section in sections_with_gdb(&fs::read_to_string(&path)?) {
            let one = name == README && [SWITCH, TIME].contains(&section.as_str());
            assert!(all || one, "nobody runs the session in {name}: {section}");
        }
    }
    Ok(())
}
