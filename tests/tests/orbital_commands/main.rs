//! The `orbital` commands of gdb: what they tell is true, wherever they look from, and looking
//! changes nothing.

mod dumps;

use orbital_tests::{Debugger, Machine, Result};

/// Halted before its first instruction, with a command line.
fn machine(cmdline: &str) -> Result<Machine> {
    Machine::builder().cmdline(cmdline).wait_for_gdb().boot()
}

/// Goes on to where gdb stops by itself.
fn goes_on_to(gdb: &mut Debugger, place: &str) -> Result {
    gdb.enter("continue")?;
    gdb.expect(place)?;
    gdb.prompt()
}
