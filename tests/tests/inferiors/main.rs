//! Every task is an inferior of a stock gdb: `scripts/gdb.sh`, real gdb, real QEMU.
//!
//! Three copies of the program `inferior` run side by side: the same functions, and the same global
//! at the same address. What the machine's own stub makes of it is tested too, for comparison.

mod back;
mod gdb;
mod leaving;

use gdb::{Gdb, count, numbers};
use orbital_tests::{Machine, Result};

/// Halted before its first instruction, with these programs to come.
fn machine(programs: &str) -> Result<Machine> {
    Machine::builder().run(programs).wait_for_gdb().boot()
}

const THREE: &str = "inferior 1 200; inferior 2 200; inferior 3 200";

/// Commands up to where all three have been in `leaf`; the third has just come there.
const ALL_IN_LEAF: [&str; 5] =
    ["break inferior::leaf", "continue", "continue", "continue", "delete"];

#[test]
fn all_tasks_are_listed_by_name_and_status_and_unwound_to_their_start() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
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
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["next", "next"])
        .run(&["thread apply 4.1 5.1 6.1 printf \"<%lu>\\n\", inferior::COUNTER.v.value.0"])
        .finish()?;
    assert_eq!(numbers(&said), [1001, 2001, 3000], "{said}");
    Ok(())
}

/// A hundred times `next`, and after each who is there.
const HUNDRED_NEXT: [&str; 2] =
    ["set $n = 0", "while $n < 100\nnext\nprintf \"<%d>\\n\", WHO\nset $n = $n + 1\nend"];

#[test]
fn a_hundred_times_next_over_yields_stays_in_its_process() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&HUNDRED_NEXT.map(|line| line.replace("WHO", "$_inferior")))
        .prints("inferior::COUNTER.v.value.0")
        .finish()?;
    let seen = numbers(&said);
    assert_eq!(seen[..100], [6; 100], "{said}");
    assert!(seen[100] > 3005, "several rounds were gone through: {}", seen[100]);
    Ok(())
}

#[test]
fn the_stub_alone_ends_up_in_other_processes() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::plain(&machine)
        .run(&["orbital break inferior inferior::leaf", "continue", "delete"])
        .run(&HUNDRED_NEXT.map(|line| line.replace("WHO", "$orbital_pid()").replace("100", "40")))
        .finish()?;
    let seen = numbers(&said);
    assert!(seen.iter().any(|pid| *pid != seen[0]), "{said}");
    Ok(())
}

#[test]
fn a_breakpoint_of_one_thread_stops_no_other() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["break inferior::leaf thread 5.1"])
        .stops(2)
        .finish()?;
    assert_eq!(numbers(&said), [5, 5], "{said}");
    Ok(())
}

#[test]
fn births_can_be_caught_and_ends_have_codes() -> Result {
    let machine = machine("exitcode 7; inferior 1 5")?;
    let said = Gdb::on(&machine)
        .run(&["catch fork", "continue", "continue", "continue"])
        .run(&["delete", "continue"])
        .prints("$_exitcode")
        .run(&["inferior 5", "continue"])
        .prints("$_exitcode")
        .finish()?;
    assert!(said.contains("(forked process 1)"), "{said}");
    assert!(said.contains("(process 1) exited with code 07]"), "{said}");
    assert_eq!(numbers(&said), [7, 1], "{said}");
    Ok(())
}

#[test]
fn different_programs_at_the_same_address_have_their_own_symbols() -> Result {
    let machine = machine("inferior 1 5; say hello 5")?;
    let said = Gdb::on(&machine)
        .run(&["break say::main", "continue", "bt 1"])
        .run(&["thread 4.1", "bt", "info symbol inferior::leaf", "thread 5.1", "info symbol $pc"])
        .finish()?;
    assert!(said.contains("\"say\" hit Breakpoint"), "{said}");
    assert!(said.contains("inferior::leaf (code="), "{said}");
    assert!(said.contains("programs/say.elf"), "{said}");
    Ok(())
}

#[test]
fn a_watchpoint_is_that_of_one_process() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["watch -location inferior::COUNTER.v.value"])
        .stops(2)
        .finish()?;
    assert_eq!(numbers(&said), [6, 6], "{said}");
    assert!(said.contains("Hardware watchpoint"), "{said}");
    assert!(said.contains("(3001)"), "{said}");
    Ok(())
}

#[test]
fn finish_and_stepi_of_a_process_that_is_switched_out_end_in_it() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["thread 4.1", "stepi"])
        .prints("$_inferior")
        .prints("$cs & 0")
        .run(&["thread 5.1", "frame function inferior::leaf", "finish"])
        .prints("$_inferior")
        .run(&["thread 6.1", "frame function inferior::leaf", "until"])
        .prints("$_inferior")
        .finish()?;
    assert_eq!(numbers(&said), [4, 0, 5, 6], "{said}");
    Ok(())
}

#[test]
fn registers_that_were_not_saved_are_unavailable_and_saved_ones_can_be_written() -> Result {
    let machine = machine("inferior 1 2; inferior 2 2")?;
    let said = Gdb::on(&machine)
        // The first is inside its last yield when the second comes to its own.
        .run(&["break inferior::hold", "continue", "continue", "delete", "thread 4.1"])
        .run(&["print $rax", "print $r12"])
        // One that is in the midst of the kernel has saved its registers there.
        .run(&["thread 2.1", "set $saved = $r12", "set $r12 = 0x1234"])
        .prints("$r12")
        .run(&["set $r12 = $saved", "thread 4.1"])
        .run(&["frame function inferior::hold", "set $r15 = 99"])
        .prints("$r15")
        .run(&["continue"])
        .prints("$_exitcode")
        .finish()?;
    assert!(said.contains("$1 = <unavailable>"), "{said}");
    assert_eq!(numbers(&said), [0x1234, 99, 99], "{said}");
    Ok(())
}

#[test]
fn a_written_register_is_on_the_cpu_when_the_process_resumes() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["delete", "thread 4.1", "print $r12", "frame function inferior::pause"])
        .run(&["set $saved = $r12", "set $r12 = 0x1234", "tbreak *$pc", "continue"])
        .prints("$r12")
        .prints("$_inferior")
        .run(&["set $r12 = $saved"])
        .finish()?;
    assert!(said.contains("$1 = <unavailable>"), "its registers are in its frame: {said}");
    assert_eq!(numbers(&said), [0x1234, 4], "{said}");
    Ok(())
}

#[test]
fn kernel_breakpoints_hold_from_the_first_instruction_on() -> Result {
    let machine = machine("hello")?;
    let said = Gdb::on(&machine)
        .run(&["info threads", "break kernel_main", "continue", "bt", "info threads"])
        .finish()?;
    assert!(said.contains("Breakpoint 1, "), "{said}");
    assert!(said.contains("orbital_kernel::kernel_main (info="), "{said}");
    assert_eq!(count(&said, "* 1    Thread 2147483646.1 \"idle\""), 2, "{said}");
    Ok(())
}

#[test]
fn every_instruction_of_a_switch_belongs_to_the_process_whose_stack_is_in_use() -> Result {
    let machine = machine(THREE)?;
    let script = "set $n = 0\nwhile $n < 40\nstepi\nbt -frame-arguments none\nset $n = $n + 1\nend";
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
        .run(&["break switch_context", "continue", "delete", script])
        .finish()?;
    let (_, steps) = said.split_once("hit Breakpoint 2").ok_or("switch_context is hit")?;
    assert_eq!(count(steps, " _start ()"), 40, "{said}");
    assert_eq!(count(steps, "??") + count(steps, "corrupt stack"), 0, "{said}");
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
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ALL_IN_LEAF)
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
