//! Looking changes nothing: all registers and all of memory are the same before and after.

use std::fs;

use orbital_tests::{Debugger, Machine, Result, workspace};
use serde_json::json;

use crate::{at_the_end_of_boot, folder, goes_on_to};

const MIB: u32 = 32;

/// Everything that shows. A program with a page that is not there, a breakpoint's own filter as it
/// was at boot again, and what is refused, are among it.
const COMMANDS: [&str; 18] = [
    "orbital ps",
    "orbital policy",
    "orbital queue",
    "orbital switches",
    "orbital switches all",
    "orbital regs 0",
    "orbital regs 1",
    "orbital regs 2",
    "orbital bt 0",
    "orbital bt 1",
    "orbital bt 2",
    "orbital bt 3",
    "orbital bt 999",
    "complete orbital bt ",
    "print $orbital_pid()",
    "help orbital",
    "bt",
    "info threads",
];

/// All registers, and all of memory.
fn state(machine: &mut Machine, name: &str) -> Result<(String, Vec<u8>)> {
    let file = folder(name)?.join("memory");
    let size = u64::from(MIB) << 20;
    machine.qmp("pmemsave", json!({ "val": 0, "size": size, "filename": file }))?;
    let memory = fs::read(&file)?;
    fs::remove_file(file)?;
    Ok((machine.monitor("info registers")?, memory))
}

fn check(machine: &mut Machine, gdb: &mut Debugger, name: &str) -> Result {
    let before = state(machine, name)?;
    assert_eq!(before.1.len(), (MIB as usize) << 20);
    let mut said = Vec::new();
    for command in COMMANDS {
        said.push(gdb.command(command)?);
    }
    let timeline = folder(name)?.join("timeline");
    gdb.command(&format!("orbital timeline {}", timeline.display()))?;
    same(&before, &state(machine, name)?, "after all commands");

    for (filter, number) in [("1 2", 2), ("", 3)] {
        gdb.command(&format!("orbital break-switch {filter}"))?;
        let changed = state(machine, name)?;
        assert!(changed.1 != before.1, "break-switch {number} writes its filter");
    }
    gdb.command("delete")?;
    same(&before, &state(machine, name)?, "after a breakpoint that came and went");

    // A command that is cut short leaves no file behind, as it makes none.
    gdb.command("python import tempfile; tempfile.tempdir = '/nowhere'")?;
    let mut cut_short = 0;
    for command in COMMANDS {
        for millis in [1, 4, 16, 64, 256] {
            let delay = f64::from(millis) / 1000.0;
            let told = gdb.command(&format!("python print(interrupted('{command}', {delay}))"))?;
            cut_short += u32::from(told.trim_end().ends_with("True"));
        }
    }
    println!("{name}: {cut_short} commands were cut short");
    assert!(cut_short > 5, "{cut_short} commands were cut short");
    same(&before, &state(machine, name)?, "after commands that were cut short");
    for (command, said) in COMMANDS.iter().zip(said) {
        let again = gdb.command(command)?;
        let plain =
            |text: &str| text.split_once(" = ").map_or(text.to_owned(), |(_, x)| x.to_owned());
        assert_eq!(plain(&again), plain(&said), "{command}");
    }
    fs::remove_dir_all(folder(name)?)?;
    Ok(())
}

fn same(before: &(String, Vec<u8>), after: &(String, Vec<u8>), when: &str) {
    assert_eq!(before.0, after.0, "{when}");
    let differ = before.1.iter().zip(&after.1).position(|(before, after)| before != after);
    assert_eq!(differ, None, "{when}: memory differs");
}

fn looking(options: &[&str], name: &str) -> Result {
    let three = "run=\"inferior 1 2000; inferior 2 2000; inferior 3 2000\"";
    let builder = Machine::builder().memory_mib(MIB).cmdline(three);
    let mut machine = builder.wait_for_gdb().boot()?;
    let mut gdb = at_the_end_of_boot(&machine, options)?;
    let script = workspace().join("tests/tests/orbital_commands/interrupt.py");
    gdb.command(&format!("source {}", script.display()))?;
    gdb.command("tbreak switch_context if $orbital_pid() == 2")?;
    goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
    check(&mut machine, &mut gdb, name)
}

#[test]
fn looking_changes_nothing_even_when_interrupted() -> Result {
    looking(&["--plain"], "harmless-plain")
}

#[test]
fn looking_changes_nothing_even_when_interrupted_where_tasks_are_inferiors() -> Result {
    looking(&[], "harmless-inferiors")
}
