//! The `orbital` commands of gdb: what they tell is true, wherever they look from, and looking
//! changes nothing.

mod break_switch;
mod dumps;
mod harmless;
mod places;
mod queues;
mod symbols;
mod timeline;
mod words;

use std::fs;
use std::path::PathBuf;

use orbital_tests::{Debugger, Machine, Result};

/// Halted before its first instruction, with a command line.
fn machine(cmdline: &str) -> Result<Machine> {
    Machine::builder().cmdline(cmdline).wait_for_gdb().boot()
}

/// gdb where the kernel has booted and no program has run yet.
fn at_the_end_of_boot(machine: &Machine, options: &[&str]) -> Result<Debugger> {
    let mut gdb = Debugger::attach(machine, options)?;
    gdb.command("tbreak idle")?;
    goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
    Ok(gdb)
}

/// Goes on to where gdb stops by itself.
fn goes_on_to(gdb: &mut Debugger, place: &str) -> Result {
    gdb.enter("continue")?;
    gdb.expect(place)?;
    gdb.prompt()
}

/// A folder of one test's own.
fn folder(name: &str) -> Result<PathBuf> {
    let name = format!("orbital-test-{}-{name}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
