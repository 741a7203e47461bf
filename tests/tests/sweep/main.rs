//! A timer interrupt at every instruction: slices of 1, 2, 3, .. ticks, an instruction being a tick.

mod coverage;
mod parts;
mod preempted;

use std::collections::{BTreeMap, BTreeSet};

use orbital_tests::code::Kernel;
use orbital_tests::{Builder, Machine, Profile, Result, exit, program_symbols};

use coverage::Log;
use preempted::Preempted;

/// A machine that counts instructions.
fn machine(cmdline: &str) -> Builder {
    Machine::builder().profile(Profile::Release).icount(0).cmdline(cmdline)
}

/// One that preempts its programs by this rule.
fn preempting(sched: &str) -> Builder {
    let programs = "run=\"drill 25000 1; drill 25000 2\" poweroff=yes quiet=yes";
    machine(&format!("{sched} {programs}"))
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
    ends_well(&mut preempting("sched=sweep quantum=5us").boot()?)
}

/// Short slices, so that most end close to where they begin: where a program starts, and behind its
/// calls, is where it is when the timer was due on the kernel's way out.
#[test]
fn programs_lose_the_cpu_where_they_start_and_behind_their_calls() -> Result {
    let mut machine = preempting("sched=sweep quantum=1us trace=65536").traced().boot()?;
    ends_well(&mut machine)?;
    let trace = machine.trace()?;
    let preempted = Preempted::from_trace(&trace)?;
    println!("{preempted}");
    let Preempted { places, first, returns, .. } = preempted;
    assert!(places.len() >= 600 && first > 0 && returns > 0);
    Ok(())
}

/// A program chooses where its slices end: in its last instructions before a call, a fault, its end,
/// and at each instruction of the kernel's assembly after it, where that can be.
#[test]
fn the_timer_is_due_at_every_instruction_of_entry_switch_and_exit() -> Result {
    let kernel = Kernel::read(Profile::Release)?;
    let log = Log::new("sweep");
    let machine = machine("sched=cooperative run=brink poweroff=yes quiet=yes");
    let mut machine = log.of(machine, &kernel).boot()?;
    let told = machine.expect("brink: {} tasks as they must be")?;
    println!("{} tasks", &told[0]);
    machine.expect_exit(exit::SUCCESS)?;

    let expiries = log.expiries()?;
    for part in parts::parts(&kernel) {
        part.expect_all(&kernel, "the timer was due at", &expiries);
    }
    Ok(())
}

/// First instructions, those before, at and behind a call, a fault, a page that is to be made, the last.
#[test]
fn a_task_loses_the_cpu_at_every_instruction_from_its_first_to_its_last() -> Result {
    let mut traces = Vec::new();
    for run in ["brink", "brink seeded"] {
        let programs = format!("run=\"{run}\" poweroff=yes quiet=yes trace=65536");
        let mut machine = machine(&format!("sched=cooperative {programs}")).traced().boot()?;
        machine.expect("brink: {} tasks as they must be")?;
        machine.expect_exit(exit::SUCCESS)?;
        traces.push(machine.trace()?);
    }
    let mut places = BTreeMap::<_, BTreeSet<_>>::new();
    for trace in &traces {
        let preempted = Preempted::from_trace(trace)?;
        println!("{preempted}");
        for (program, ip) in preempted.places {
            places.entry(program).or_default().insert(ip);
        }
    }
    let symbols = |program| Kernel::of(&program_symbols(program)?, Profile::Release);
    let brink = symbols("brink")?;
    for task in parts::tasks(&brink) {
        task.expect_all(&brink, "lost the CPU at", &places["brink"]);
    }
    let first = symbols("tiny")?.body("_start")[0].ip();
    assert!(places["tiny"].contains(&first), "never where a process starts");
    Ok(())
}
