//! The gdb sessions that the documents show, run as they stand there.

use orbital_tests::{Result, transcript};

#[test]
fn the_readme_looks_at_a_switch() -> Result {
    transcript::run_markdown("README.md", Some("Looking at a switch in gdb"))
}

#[test]
fn the_tour_of_one_context_switch() -> Result {
    transcript::run_markdown("scripts/gdb/TOUR.md", None)
}
