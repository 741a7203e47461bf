//! Registers of a process that is switched out: what is known of them, and what is written to them.

use orbital_tests::Result;

use crate::gdb::{Gdb, numbers};
use crate::{LET_GO, STAYING, THIRD_ON_CPU, machine};

#[test]
fn registers_that_were_not_saved_are_unavailable_and_saved_ones_can_be_written() -> Result {
    let machine = machine("inferior 1 0 1; inferior 2 0 1")?;
    let said = Gdb::on(&machine)
        .run(&["break inferior::hold", "continue", "continue", "delete"])
        // The first makes its call again and again when the second makes its own.
        .run(&["tbreak syscall_entry thread 4.1", "continue"])
        .run(&["tbreak syscall_entry thread 5.1", "continue"])
        .run(&["thread 4.1", "print $rax", "print $r12"])
        // One that is in the midst of the kernel has saved its registers there.
        .run(&["thread 2.1", "set $saved = $r12", "set $r12 = 0x1234"])
        .prints("$r12")
        .run(&["set $r12 = $saved", "thread 4.1", LET_GO])
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
    let machine = machine(STAYING)?;
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&["thread 4.1", "print $r12", "frame function inferior::pause"])
        .run(&["set $saved = $r12", "set $r12 = 0x1234", "tbreak *$pc thread 4.1", "continue"])
        .prints("$r12")
        .prints("$_inferior")
        .run(&["set $r12 = $saved"])
        .finish()?;
    assert!(said.contains("$1 = <unavailable>"), "its registers are in its frame: {said}");
    assert_eq!(numbers(&said), [0x1234, 4], "{said}");
    Ok(())
}
