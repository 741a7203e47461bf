//! Many of everything, in minutes: processes, kills, switches, random calls. Nothing may be lost, no
//! value may change. Those that take hours are ignored here, and run by `scripts/long.sh`.

use std::time::Duration;

use orbital_tests::{Builder, Machine, Pattern, Profile, Result, exit};

/// How long a run may take on a busy host.
const LIMIT: Duration = Duration::from_secs(900);

/// The same for the runs that take hours.
const LONG: Duration = Duration::from_secs(24 * 3600);

/// The usual machine, with a run that may take that long.
fn within(limit: Duration) -> Builder {
    Machine::builder().limit(limit)
}

/// Runs programs that must all end well and leave nothing behind; the numbers in place of each `{}`
/// of `line`, for each time the line came.
fn numbers(machine: Builder, cmdline: &str, line: &str) -> Result<Vec<Vec<u64>>> {
    let mut machine = machine.cmdline(format!("{cmdline} quiet=yes poweroff=yes")).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    let clean = "[kernel] leak check: frames 0, heap bytes 0, processes 0";
    assert!(text.contains(clean), "{text}");
    let pattern = Pattern::new(line);
    let lines = text.lines().filter_map(|line| pattern.find(line));
    let holes = line.matches("{}").count();
    Ok(lines.map(|(_, got)| (0..holes).filter_map(|hole| got.number(hole)).collect()).collect())
}

/// The same program many times, each with a seed of its own, from 1 on.
fn seeds(count: u64, program: impl Fn(u64) -> String) -> String {
    let programs: Vec<_> = (1..=count).map(program).collect();
    format!("run=\"{}\"", programs.join(";"))
}

/// Programs come and go, `count` in all, about a third of them killed at a random moment.
fn comes_and_goes(machine: Builder, count: u64, policy: &str) -> Result {
    let half = count / 2;
    let stress = format!("run=\"stress {half} 1; stress {half} 2\" {policy}");
    let told = numbers(machine, &stress, "stress: {} exited, {} killed, {} refused, 0 wrong")?;
    let [exited, killed, refused] = [0, 1, 2].map(|at| told.iter().map(|n| n[at]).sum::<u64>());
    assert_eq!((exited + killed, refused), (count, 0), "{told:?}");
    assert!(exited >= count / 5 * 3 && killed >= count / 5, "{told:?}");
    Ok(())
}

#[test]
fn ten_thousand_processes_and_two_thousand_kills_lose_nothing() -> Result {
    comes_and_goes(within(LIMIT), 15_000, "sched=cooperative")
}

#[test]
fn processes_killed_between_any_two_instructions_lose_nothing() -> Result {
    comes_and_goes(within(LIMIT), 3_000, "sched=seeded seed=1 quantum=50us")
}

#[test]
#[ignore = "half an hour"]
fn a_million_processes_and_a_third_of_them_killed_lose_nothing() -> Result {
    comes_and_goes(within(LONG), 1_000_000, "sched=seeded seed=2 quantum=200us")
}

/// 64 processes that yield, and check every register each time; `rounds` of each.
fn yields(machine: Builder, rounds: u64) -> Result {
    let programs = seeds(64, |seed| format!("registers {rounds} {seed}"));
    let told = numbers(machine, &programs, "registers: {} rounds, seed {}, ymm: all kept")?;
    assert_eq!(told.len(), 64);
    assert!(told.iter().all(|numbers| numbers[0] == rounds));
    Ok(())
}

// Seven rounds of eight yield, so that 18,000 rounds of 64 processes are a million yields.
#[test]
fn a_million_yields_over_64_processes_keep_every_register() -> Result {
    yields(within(LIMIT), 18_000)
}

#[test]
#[ignore = "an hour and a half"]
fn a_hundred_million_yields_keep_every_register() -> Result {
    yields(within(LONG), 1_800_000)
}

/// Sixteen programs at a time, each with `count` random calls.
fn random_calls(machine: Builder, count: u64, policy: &str) -> Result {
    let programs = seeds(16, |seed| format!("fuzz {seed} {count}"));
    let line = "fuzz: seed {}: {} succeeded, {} refused, {} bytes of stack used";
    let told = numbers(machine, &format!("{programs} {policy}"), line)?;
    assert_eq!(told.len(), 16);
    for numbers in told {
        let [seed, succeeded, refused, stack] = numbers[..] else {
            panic!("{numbers:?}");
        };
        // Calls that would end the program or never return are left out.
        assert!(succeeded + refused > count / 5 * 4 && succeeded > count / 10, "seed {seed}");
        assert!(stack < 8 << 10, "half of the kernel stack");
    }
    Ok(())
}

#[test]
fn sixteen_million_random_calls_are_answered_by_the_contract() -> Result {
    random_calls(within(LIMIT), 1_000_000, "sched=cooperative")
}

#[test]
fn random_calls_are_answered_by_the_contract_under_preemption() -> Result {
    random_calls(within(LIMIT), 50_000, "sched=round-robin quantum=200us")
}

/// A part of it on the CPU without the protections, and in debug builds, which poison what is freed.
#[test]
fn other_machines_and_builds_lose_nothing_either() -> Result {
    let machines =
        [("qemu64", Profile::Release), ("max", Profile::Debug), ("qemu64", Profile::Debug)];
    for (cpu, profile) in machines {
        let machine = || within(LIMIT).cpu(cpu).profile(profile);
        comes_and_goes(machine(), 1_500, "sched=seeded seed=3 quantum=50us")?;
        random_calls(machine(), 10_000, "sched=cooperative")?;
    }
    Ok(())
}

#[test]
#[ignore = "two hours"]
fn a_thousand_million_random_calls_are_answered_by_the_contract() -> Result {
    random_calls(within(LONG), 62_500_000, "sched=cooperative")
}

#[test]
#[ignore = "a minute"]
fn ten_thousand_processes_are_alive_at_once_in_1_gib() -> Result {
    let cmdline = "run=\"hog processes 10000\" limit-children=16384 poweroff=yes quiet=yes";
    let mut machine = Machine::builder().memory_mib(1024).cmdline(cmdline).limit(LIMIT).boot()?;
    machine.expect_line("hog: 10000 processes, {} tasks of {}")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
#[ignore = "minutes"]
fn every_mib_from_18_to_64_boots() -> Result {
    for mib in 18..=64 {
        let mut machine = Machine::builder().memory_mib(mib).boot()?;
        assert_eq!(machine.command("hello there")?.matches("there").count(), 1, "{mib} MiB");
    }
    Ok(())
}

/// A shell and a program that sleeps `millis` at a time, for `seconds` of virtual time, in which
/// the clock passes 2^32 ticks again and again.
fn idles(limit: Duration, seconds: u64, millis: u64) -> Result {
    let mut machine = Machine::builder().cmdline("shells=1").icount(0).limit(limit).boot()?;
    machine.enter(&format!("naps {seconds} {millis}"))?;
    let naps = machine.expect_line("naps: {} naps in {} s, at most {} ns too long")?;
    assert_eq!(naps.number(0), Some(seconds * 1000 / millis), "{naps:?}");
    assert_eq!(machine.command("hello and on")?.matches("and on").count(), 1);
    let up = machine.command("uptime")?;
    let (_, up) = Pattern::new("up {} s").find(&up).ok_or("no uptime")?;
    assert!(up.number(0) >= Some(seconds));
    Ok(())
}

#[test]
fn hours_of_idle_time_with_a_shell_pass() -> Result {
    idles(LIMIT, 2 * 3600, 1_000)
}

#[test]
#[ignore = "minutes"]
fn a_day_of_idle_time_with_a_shell_passes() -> Result {
    idles(LONG, 24 * 3600, 1_000)
}

#[test]
#[ignore = "an hour"]
fn a_month_of_idle_time_with_a_shell_passes() -> Result {
    idles(LONG, 30 * 24 * 3600, 60_000)
}

/// On a CPU of 8 million instructions a second, so that it is minutes here.
#[test]
#[ignore = "minutes"]
fn an_hour_of_busy_time_passes() -> Result {
    let programs = "spin 3600; spin 3600; naps 3600 10";
    let policy = "sched=round-robin quantum=1ms";
    let cmdline = format!("run=\"{programs}\" {policy} poweroff=yes");
    let mut machine = Machine::builder().cmdline(cmdline).icount(7).limit(LONG).boot()?;
    machine.expect_exit(exit::SUCCESS)
}
