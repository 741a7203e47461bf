//! Every task is an inferior of a stock gdb: `scripts/gdb.sh`, real gdb, real QEMU.
//!
//! Three copies of the program `inferior` run side by side: the same functions, and the same global
//! at the same address. Nothing here depends on whose turn it is: what a test needs of a process, it
//! waits for in that process. What the machine's own stub makes of it is tested too, for comparison.

mod back;
mod gdb;
mod leaving;
mod registers;
mod steps;
mod stops;

use gdb::{Gdb, count, numbers};
use orbital_tests::{Machine, Result};

/// Halted before its first instruction, with these programs to come.
fn machine(programs: &str) -> Result<Machine> {
    Machine::builder().run(programs).wait_for_gdb().boot()
}

/// Three that go through many rounds, and yield in each.
const THREE: &str = "inferior 1 200; inferior 2 200; inferior 3 200";

/// Commands up to where one of them is in `leaf`, whichever comes first. All have been born then.
const ONE_IN_LEAF: [&str; 3] = ["break inferior::leaf", "continue", "delete"];

/// Three that come to `pause` and stay there, where they yield again and again.
const STAYING: &str = "inferior 1 200 1; inferior 2 200 1; inferior 3 200 1";

/// Commands up to where all of them have come there, and the third is on the CPU with a call.
const THIRD_ON_CPU: [&str; 7] = [
    "break inferior::pause",
    "continue",
    "continue",
    "continue",
    "delete",
    "tbreak syscall_entry thread 6.1",
    "continue",
];

/// Lets a process go that stays.
const LET_GO: &str = "set variable inferior::STAY.v.value.0 = 0";

#[test]
fn all_tasks_are_listed_by_name_and_status_and_unwound_to_their_start() -> Result {
    let machine = machine(STAYING)?;
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&["info threads", "thread apply all bt"])
        .finish()?;
    for line in ["\"idle\"", "\"launcher\" (Blocked(work)", "\"terminal\" (", "\"inferior\" (Ready"]
    {
        assert!(said.contains(line), "{line}:\n{said}");
    }
    assert!(said.contains("\"inferior\" (Running"), "{said}");
    let traces = said.split_once("\nThread ").map_or("", |(_, traces)| traces);
    assert_eq!(count(traces, " _start ()"), 3, "{said}");
    assert_eq!(count(traces, "inferior::middle (code="), 3, "{said}");
    assert_eq!(count(traces, "kernel_task_entry ()"), 2, "{said}");
    assert_eq!(count(traces, "kernel_main (info="), 1, "{said}");
    assert_eq!(count(&said, "corrupt stack") + count(traces, "??"), 0, "{said}");
    Ok(())
}

#[test]
fn a_global_has_a_value_of_its_own_in_each() -> Result {
    let machine = machine(STAYING)?;
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&["thread apply 4.1 5.1 6.1 printf \"<%lu>\\n\", inferior::COUNTER.v.value.0"])
        .finish()?;
    assert_eq!(numbers(&said), [1000, 2000, 3000], "{said}");
    Ok(())
}

#[test]
fn a_global_that_nobody_has_touched_is_zero_and_stays_untouched() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&["break inferior::main", "continue", "delete"])
        .prints("inferior::COUNTER.v.value.0")
        .run(&["thread apply 4.1 5.1 6.1 printf \"<%lu>\\n\", inferior::COUNTER.v.value.0"])
        .run(&["eval \"monitor gva2gpa %lu\", &inferior::COUNTER"])
        .finish()?;
    assert_eq!(numbers(&said), [0; 4], "{said}");
    assert!(said.contains("Unmapped"), "{said}");
    Ok(())
}

#[test]
fn different_programs_at_the_same_address_have_their_own_symbols() -> Result {
    let machine = machine("inferior 1 1 1; say hello 1000000")?;
    let said = Gdb::on(&machine)
        .run(&["break inferior::pause", "break say::main", "continue", "continue"])
        .run(&["thread 4.1", "bt", "frame function inferior::leaf", "info symbol $pc"])
        .run(&["thread 5.1", "bt", "frame function say::main", "info symbol $pc"])
        .finish()?;
    assert!(said.contains("\"say\" hit Breakpoint"), "{said}");
    assert!(said.contains("inferior::leaf (code="), "{said}");
    assert!(said.contains("say::main (args="), "{said}");
    for program in ["inferior", "say"] {
        let file = format!("/programs/{program}.elf");
        let of_it = |line: &str| line.contains(" in section .text of ") && line.ends_with(&file);
        assert!(said.lines().any(of_it), "{program}: {said}");
    }
    Ok(())
}

#[test]
fn the_monitor_is_qemus() -> Result {
    let machine = machine("hello")?;
    let said = Gdb::on(&machine).run(&["monitor info status"]).finish()?;
    assert!(said.contains("VM status: paused"), "{said}");
    Ok(())
}

#[test]
fn the_commands_of_orbital_work_whoever_is_selected() -> Result {
    let machine = machine(STAYING)?;
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&[
            "orbital ps",
            "thread 4.1",
            "orbital ps",
            "orbital bt 3",
            "orbital bt 1",
            "orbital regs 1",
        ])
        .prints("$orbital_pid()")
        .run(&["orbital switches 3", "orbital regs 999"])
        .finish()?;
    let table = |part: &str| {
        part.lines()
            .filter(|line| line.contains("inferior "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let parts: Vec<_> = said.split("PID NAME").collect();
    assert_eq!(parts.len(), 3, "{said}");
    assert_eq!(table(parts[1])[..3], table(parts[2])[..3], "{said}");
    assert!(parts[1].contains("*     3 inferior"), "{said}");
    assert!(said.contains("no task has pid 999"), "{said}");
    assert_eq!(numbers(&said), [3], "{said}");
    Ok(())
}
