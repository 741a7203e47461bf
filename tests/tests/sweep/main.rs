//! A timer interrupt at every instruction: slices of 1, 2, 3, .. ticks, an instruction being a tick.

mod coverage;

use orbital_tests::code::Kernel;
use orbital_tests::{Builder, Machine, Profile, Result, exit};

use coverage::{Log, Preempted};

/// A machine that counts instructions and preempts its programs by this rule.
fn machine(sched: &str) -> Builder {
    let programs = "run=\"drill 25000 1; drill 25000 2\" poweroff=yes quiet=yes";
    Machine::builder().profile(Profile::Release).icount(0).cmdline(format!("{sched} {programs}"))
}

/// Programs that check their registers, fault, start and exit have been preempted 25,000 times, and
/// all ended as they must.
fn ends_well(machine: &mut Machine) -> Result {
    let told = machine.expect("drill: {} forced switches, {} programs as they must be")?;
    println!("{} forced switches, {} programs", &told[0], &told[1]);
    assert!(told.number(0) >= Some(25_000));
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn a_preemption_at_every_instruction_harms_nobody() -> Result {
    ends_well(&mut machine("sched=sweep quantum=5us").boot()?)
}

/// Short slices, so that most end close to where they begin: on the way into the kernel, through the
/// switch, and out of it.
#[test]
fn the_timer_is_due_at_every_instruction_of_entry_switch_and_exit() -> Result {
    let kernel = Kernel::read(Profile::Release)?;
    let log = Log::new("sweep");
    let machine = machine("sched=sweep quantum=1us trace=65536").traced();
    let mut machine = log.of(machine, &kernel).boot()?;
    ends_well(&mut machine)?;

    let expiries = log.expiries()?;
    for part in coverage::parts(&kernel) {
        let (met, all) = (part.met(&expiries), part.instructions.len());
        println!("{}: the timer was due at {met} of {all} instructions", part.name);
        // Of the ways out one is for a return to where no program can be; a switch away from the midst
        // of the kernel is rare here, and half of the routine is for it. Chance may leave out a few.
        let tenths = if part.name == "switch" { 6 } else { 9 };
        assert!(met * 10 >= all * tenths, "{}", part.name);
    }
    let preempted = Preempted::from_trace(&machine.trace()?)?;
    println!("{preempted}");
    let Preempted { instructions, first, calls, returns, .. } = preempted;
    assert!(instructions >= 600 && first > 0 && calls > 0 && returns > 0);
    Ok(())
}
