//! A timer interrupt at every instruction: slices of 1, 2, 3, .. ticks, an instruction being a tick.

mod coverage;
mod parts;
mod preempted;

use iced_x86::Mnemonic;
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

/// What the tasks of `brink` do behind the loop in which they wait: so many instructions of each.
/// Those that give way have a new slice then, which is not over before they end, and a page to be
/// touched takes the rest of it.
const BRINKS: [(&str, usize); 7] = [
    ("brink_call", 9),
    ("brink_yield", 2),
    ("brink_run_ready", 2),
    ("brink_selector", 2),
    ("brink_touch", 1),
    ("brink_read", 1),
    ("brink_ud2", 1),
];

/// A program chooses where its slices end: in its last instructions before a call, a fault, its end,
/// and at each instruction of the kernel's assembly after it, where that can be.
#[test]
fn the_timer_is_due_at_every_instruction_of_entry_switch_and_exit() -> Result {
    let kernel = Kernel::read(Profile::Release)?;
    let log = Log::new("sweep");
    let machine = machine("run=brink poweroff=yes quiet=yes trace=65536").traced();
    let mut machine = log.of(machine, &kernel).boot()?;
    let told = machine.expect("brink: {} tasks as they must be")?;
    println!("{} tasks", &told[0]);
    machine.expect_exit(exit::SUCCESS)?;

    let expiries = log.expiries()?;
    for part in parts::parts(&kernel) {
        let met = part.instructions.intersection(&expiries).count();
        let all = part.instructions.len();
        println!("{}: the timer was due at {met} of {all} instructions", part.name);
        for (ip, why) in &part.excused {
            println!("  not counted: {ip:#x} in {}: {why}", kernel.name(*ip));
        }
        let missed: Vec<_> = part.instructions.difference(&expiries).collect();
        assert!(missed.is_empty(), "{}: never at {missed:#x?}", part.name);
    }
    let trace = machine.trace()?;
    let preempted = Preempted::from_trace(&trace)?;
    println!("{preempted}");
    let brink = Kernel::of(&program_symbols("brink")?, Profile::Release)?;
    for (path, count) in BRINKS {
        let behind_loop = brink.body(path).iter().skip_while(|i| i.mnemonic() != Mnemonic::Jne);
        for instruction in behind_loop.skip(1).take(count) {
            let met = preempted.places.contains(&("brink", instruction.ip()));
            assert!(met, "{path}: never at {}", brink.show(instruction));
        }
    }
    assert!(preempted.faults >= 2, "both kinds");
    Ok(())
}
