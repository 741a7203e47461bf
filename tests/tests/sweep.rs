//! A timer interrupt at every instruction: slices of 1, 2, 3, .. ticks, an instruction being a tick.

use orbital_tests::{Machine, Result, exit};

/// Programs that check their registers, fault, start and exit, all of them preempted 25,000 times.
#[test]
fn a_preemption_at_every_instruction_harms_nobody() -> Result {
    let mut machine = Machine::builder()
        .icount(0)
        .cmdline("sched=sweep quantum=5us run=\"drill 25000 1; drill 25000 2\" poweroff=yes")
        .boot()?;
    let told = machine.expect("drill: {} forced switches, {} programs as they must be")?;
    println!("{} forced switches, {} programs", &told[0], &told[1]);
    assert!(told.number(0) >= Some(25_000));
    machine.expect_exit(exit::SUCCESS)
}
