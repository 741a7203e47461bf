//! Breakpoints, watchpoints, births and ends.

use orbital_tests::Result;

use crate::gdb::{Gdb, count, numbers};
use crate::{ONE_IN_LEAF, THREE, machine};

#[test]
fn a_breakpoint_of_one_thread_stops_no_other() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ONE_IN_LEAF)
        .run(&["break inferior::leaf thread 5.1"])
        .stops(2)
        .finish()?;
    assert_eq!(numbers(&said), [5, 5], "{said}");
    Ok(())
}

#[test]
fn a_watchpoint_is_that_of_one_process() -> Result {
    let machine = machine(THREE)?;
    let written = "inferior::COUNTER.v.value.0";
    let said = Gdb::on(&machine)
        .run(&ONE_IN_LEAF)
        // The others write theirs meanwhile.
        .run(&["tbreak inferior::leaf thread 6.1", "continue"])
        .run(&["watch -location inferior::COUNTER.v.value"])
        .stops(1)
        .prints(written)
        .stops(1)
        .prints(written)
        .finish()?;
    let [6, first, 6, second] = numbers(&said)[..] else { panic!("{said}") };
    assert!(said.contains("Hardware watchpoint"), "{said}");
    assert!(first >= 3000 && second == first + 1, "{said}");
    Ok(())
}

#[test]
fn births_can_be_caught_and_ends_have_codes() -> Result {
    let machine = machine("exitcode 7; inferior 1 5")?;
    let said = Gdb::on(&machine)
        .run(&["catch fork", "continue", "continue", "continue"])
        .run(&["delete", "continue"])
        .prints("$_exitcode")
        // Whoever has ended is selected, and cannot go on.
        .run(&["inferior 1", "continue"])
        .prints("$_exitcode")
        .finish()?;
    assert!(said.contains("(forked process 1)"), "{said}");
    assert!(said.contains("(process 1) exited with code 07]"), "{said}");
    assert!(said.contains("(process 2) exited with code 01]"), "{said}");
    let codes = numbers(&said);
    assert!(codes == [7, 1] || codes == [1, 7], "{said}");
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
