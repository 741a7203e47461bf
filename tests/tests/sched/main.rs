//! Policies: who gets the CPU, for how long, at what cost. Time is counted in instructions, so every
//! figure repeats exactly.

mod shell;

use std::time::Duration;

use orbital_tests::{Builder, Machine, Pattern, Result, exit};

/// Every policy that takes the CPU from a program.
const PREEMPTIVE: [&str; 5] = ["round-robin", "priority", "fair", "seeded", "sweep"];

/// A machine that runs programs under a policy and ends with them. An instruction takes
/// `2^shift` ns.
fn machine(shift: u8, sched: &str, programs: &str) -> Builder {
    Machine::builder()
        .icount(shift)
        .cmdline(format!("sched={sched} run=\"{programs}\" poweroff=yes"))
}

/// The turns that each `meter` counted, in the order in which they were started.
fn turns<const METERS: usize>(machine: Builder) -> Result<[f64; METERS]> {
    let mut machine = machine.boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let told = Pattern::new("meter: {} turns of 200000 instructions in");
    let mut counted = Vec::new();
    for line in machine.transcript().lines() {
        let Some((range, captures)) = told.find(line) else { continue };
        // What the first program writes, which has the focus, is not marked.
        let pid = line[..range.start].trim_matches(|c: char| !c.is_ascii_digit()).parse();
        counted.push((pid.unwrap_or(1_u64), captures[0].parse().unwrap_or(f64::NAN)));
    }
    counted.sort_by_key(|(pid, _)| *pid);
    let counted: Vec<_> = counted.into_iter().map(|(_, turns)| turns).collect();
    Ok(counted.try_into().map_err(|counted| format!("{METERS} meters told {counted:?}"))?)
}

fn close(what: &str, got: f64, wanted: f64, tolerance: f64) {
    assert!((got - wanted).abs() <= tolerance, "{what}: {got} instead of {wanted}");
}

#[test]
fn two_that_compute_get_half_each_within_one_percent() -> Result {
    for sched in ["round-robin", "fair"] {
        let [first, second] = turns(machine(2, sched, "meter 10s; meter 10s"))?;
        let share = first / (first + second);
        println!("{sched}: {share:.4} and {:.4} of the CPU", 1.0 - share);
        close(sched, share, 0.5, 0.01);
    }
    Ok(())
}

#[test]
fn shares_follow_the_weights_under_fair_within_two_percent() -> Result {
    let got: [f64; 3] = turns(machine(2, "fair", "meter 10s 50; meter 10s 150; meter 10s 300"))?;
    let all: f64 = got.iter().sum();
    for (turns, weight) in got.iter().zip([50.0, 150.0, 300.0]) {
        println!("weight {weight}: {:.4} of the CPU", turns / all);
        close("share", turns / all, weight / 500.0, 0.02);
    }
    Ok(())
}

#[test]
fn who_comes_late_gets_its_share_and_no_more_under_fair() -> Result {
    let mut machine = Machine::builder().icount(2).cmdline("sched=fair shells=1").boot()?;
    machine.enter("spin &")?;
    machine.expect_line("started spin, pid {}")?;
    machine.command("sleep 3")?;
    let told = machine.command("meter 2s")?;
    println!("{told}");
    let (_, told) = Pattern::new("meter: {} turns of").find(&told).ok_or(told.clone())?;
    // An instruction takes 4 ns.
    let share = told[0].parse().unwrap_or(f64::NAN) * 200_000.0 * 4.0 / 2e9;
    close("share", share, 0.5, 0.01);
    Ok(())
}

/// A turn is 200,000 instructions, and an instruction a nanosecond: what programs count in 2 s of the
/// clock says whether the clock is right, and what preemption costs.
#[test]
fn the_clock_is_right_to_one_percent_and_preemption_every_millisecond_costs_half_of_that() -> Result
{
    let check = |sched, programs, counted: f64| {
        let seconds = counted * 200_000.0 / 1e9;
        println!("{sched}, {programs}: {seconds:.4} s of instructions in 2 s of the clock");
        close(sched, seconds, 2.0, 0.02);
        seconds
    };
    let (sched, programs) = ("cooperative", "meter 2s");
    let [turns_alone] = turns(machine(0, sched, programs))?;
    let alone = check(sched, programs, turns_alone);
    let (sched, programs) = ("round-robin quantum=1ms", "meter 2s; meter 2s");
    let [first, second] = turns(machine(0, sched, programs))?;
    let preempted = check(sched, programs, first + second);
    let cost = 1.0 - preempted / alone;
    println!("preemption at 1 ms costs {:.3} %", cost * 100.0);
    assert!(cost < 0.005, "{cost}");
    Ok(())
}

/// How late `lateness` woke at worst, in nanoseconds.
fn lateness(sched: &str, beside: &str) -> Result<u64> {
    let mut machine = machine(0, sched, &format!("lateness 200 1ms; {beside}")).boot()?;
    let line = machine.expect_line("lateness: 200 of 1ms, {} ns late at worst, {}")?;
    println!("{sched}, beside \"{beside}\": {} ns late at worst", &line[0]);
    Ok(line.number(0).ok_or("lateness is a number")?)
}

#[test]
fn a_sleeper_wakes_within_50_microseconds_on_an_idle_machine() -> Result {
    for sched in ["cooperative", "round-robin", "priority", "fair", "seeded"] {
        assert!(lateness(sched, "hello")? <= 50_000, "{sched}");
    }
    Ok(())
}

#[test]
fn a_sleeper_wakes_within_a_quantum_beside_four_that_compute_and_eight_that_sleep() -> Result {
    const QUANTUM: u64 = 2_000_000;
    let others = format!("{}{}hello", "spin 60; ".repeat(4), "naps 60 1; ".repeat(8));
    for sched in ["round-robin", "fair"] {
        let late = lateness(&format!("{sched} quantum=2ms"), &others)?;
        assert!(late <= QUANTUM + 50_000, "{sched}: {late} ns");
    }
    Ok(())
}

#[test]
fn a_spinner_starves_nobody_under_a_preemptive_policy() -> Result {
    for sched in PREEMPTIVE {
        let mut machine =
            Machine::builder().cmdline(format!("sched={sched} run=\"spin; say late 3\"")).boot()?;
        for _ in 0..3 {
            machine.expect_line("[pid 2] late")?;
        }
        machine.expect("(say) exited: 0")?;
    }
    Ok(())
}

/// The timer interrupts that the shell's `sched` counts.
fn interrupts(machine: &mut Machine) -> Result<u64> {
    machine.enter("sched")?;
    let line = machine.expect_line("timer {} at {} MHz, {} interrupts")?;
    Ok(line.number(2).ok_or("interrupts are counted")?)
}

#[test]
fn idle_takes_no_ticks_under_any_policy() -> Result {
    // Long enough that the command counts for little: it runs beside the terminal's task for a moment,
    // and under seeded some slices are short.
    const SECONDS: u64 = 4;
    for sched in ["cooperative", "round-robin", "priority", "fair", "seeded"] {
        let mut machine = Machine::builder().cmdline(format!("sched={sched}")).warm()?;
        let before = interrupts(&mut machine)?;
        machine.prompt()?;
        machine.run_for(Duration::from_secs(SECONDS))?;
        let during = interrupts(&mut machine)? - before;
        assert!(during <= 2 * SECONDS, "{sched}: {during} in {SECONDS} seconds of idleness");
    }
    Ok(())
}

#[test]
fn cooperative_without_a_sleeper_takes_no_ticks_at_all() -> Result {
    let mut machine = Machine::builder().cmdline("sched=cooperative").warm()?;
    machine.enter("spin 1")?;
    machine.expect("(spin) exited: 0")?;
    machine.enter("say turns 50")?;
    machine.expect("(say) exited: 0")?;
    assert_eq!(interrupts(&mut machine)?, 0);
    machine.enter("sleep 10ms")?;
    machine.expect("(sleep) exited: 0")?;
    assert_eq!(interrupts(&mut machine)?, 1);
    Ok(())
}

#[test]
fn switching_the_policy_under_load_loses_no_task() -> Result {
    let mut machine = Machine::builder().cmdline("sched=round-robin quantum=1ms").warm()?;
    for seed in 1..=6 {
        machine.enter(&format!("registers 60000 {seed} &"))?;
        machine.expect_line("started registers, pid {}")?;
    }
    let mut switched = 0;
    for sched in PREEMPTIVE.iter().chain(&["cooperative"]).cycle().take(24) {
        machine.enter(&format!("sched {sched} 1ms"))?;
        machine.expect_line(&format!("policy {sched}, quantum 1ms, {{}} ready"))?;
        switched += 1;
    }
    assert_eq!(switched, 24);
    for pid in 4..10 {
        machine.enter(&format!("wait {pid}"))?;
        machine.expect_line(&format!("pid {pid} ended with code 0"))?;
    }
    Ok(())
}
