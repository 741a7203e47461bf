//! Steps stay in the process that takes them, whoever else runs meanwhile.

use orbital_tests::Result;

use crate::gdb::{Gdb, count, numbers};
use crate::{LET_GO, ONE_IN_LEAF, STAYING, THIRD_ON_CPU, THREE, machine};

/// A hundred times `next`, and after each who is there.
const HUNDRED_NEXT: [&str; 2] =
    ["set $n = 0", "while $n < 100\nnext\nprintf \"<%d>\\n\", WHO\nset $n = $n + 1\nend"];

#[test]
fn a_hundred_times_next_over_yields_stays_in_its_process() -> Result {
    let machine = machine(THREE)?;
    let said = Gdb::on(&machine)
        .run(&ONE_IN_LEAF)
        .prints("$_inferior")
        .prints("round")
        .run(&HUNDRED_NEXT.map(|line| line.replace("WHO", "$_inferior")))
        .prints("inferior::COUNTER.v.value.0 % 1000")
        .finish()?;
    let [who, round, stops @ .., reached] = &numbers(&said)[..] else { panic!("{said}") };
    assert_eq!(stops, [*who; 100], "{said}");
    assert!(*reached > round + 5, "several rounds were gone through: {round} to {reached}");
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
fn finish_and_stepi_of_a_process_that_is_switched_out_end_in_it() -> Result {
    let machine = machine(STAYING)?;
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&["thread 4.1", "stepi"])
        .prints("$_inferior")
        .prints("$cs & 0")
        .run(&["thread 5.1", LET_GO, "frame function inferior::leaf", "finish"])
        .prints("$_inferior")
        .run(&["thread 6.1", LET_GO, "frame function inferior::leaf", "until"])
        .prints("$_inferior")
        .finish()?;
    assert_eq!(numbers(&said), [4, 0, 5, 6], "{said}");
    Ok(())
}

#[test]
fn every_instruction_of_a_switch_belongs_to_the_process_whose_stack_is_in_use() -> Result {
    let machine = machine(STAYING)?;
    let script = "set $n = 0\nwhile $n < 40\nstepi\nbt -frame-arguments none\nset $n = $n + 1\nend";
    let said = Gdb::on(&machine)
        .run(&THIRD_ON_CPU)
        .run(&["break switch_context thread 6.1", "continue", "delete", script])
        .finish()?;
    let (_, steps) = said.split_once("hit Breakpoint 3").ok_or_else(|| said.clone())?;
    assert_eq!(count(steps, " _start ()"), 40, "{said}");
    assert_eq!(count(steps, "??") + count(steps, "corrupt stack"), 0, "{said}");
    Ok(())
}
