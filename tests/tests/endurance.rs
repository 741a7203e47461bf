//! Many of everything, in minutes: processes, kills, switches, random calls. Nothing may be lost, no
//! value may change. The runs that take longer are in `scripts/long.sh`.

use std::time::Duration;

use orbital_tests::{Machine, Pattern, Result, exit};

/// How long a run may take on a busy host.
const LIMIT: Duration = Duration::from_secs(900);

/// Runs programs that must all end well and leave nothing behind; the numbers in place of each `{}`
/// of `line`, for each time the line came.
fn numbers(cmdline: &str, line: &str) -> Result<Vec<Vec<u64>>> {
    let mut machine = Machine::builder()
        .cmdline(format!("{cmdline} quiet=yes poweroff=yes"))
        .limit(LIMIT)
        .boot()?;
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
fn comes_and_goes(count: u64, policy: &str) -> Result {
    let half = count / 2;
    let stress = format!("run=\"stress {half} 1; stress {half} 2\" {policy}");
    let told = numbers(&stress, "stress: {} exited, {} killed, {} refused, 0 wrong")?;
    let [exited, killed, refused] = [0, 1, 2].map(|at| told.iter().map(|n| n[at]).sum::<u64>());
    assert_eq!((exited + killed, refused), (count, 0), "{told:?}");
    assert!(exited >= count / 5 * 3 && killed >= count / 5, "{told:?}");
    Ok(())
}

#[test]
fn ten_thousand_processes_and_two_thousand_kills_lose_nothing() -> Result {
    comes_and_goes(15_000, "sched=cooperative")
}

#[test]
fn processes_killed_between_any_two_instructions_lose_nothing() -> Result {
    comes_and_goes(3_000, "sched=seeded seed=1 quantum=50us")
}

#[test]
fn a_million_yields_over_64_processes_keep_every_register() -> Result {
    let rounds = 18_000;
    let programs = seeds(64, |seed| format!("registers {rounds} {seed}"));
    let told = numbers(&programs, "registers: {} rounds, seed {}, ymm: all kept")?;
    assert_eq!(told.len(), 64);
    // Seven rounds of eight yield.
    assert!(told.iter().map(|n| n[0]).sum::<u64>() / 8 * 7 >= 1_000_000);
    Ok(())
}

/// Sixteen programs at a time, each with `count` random calls.
fn random_calls(count: u64, policy: &str) -> Result {
    let programs = seeds(16, |seed| format!("fuzz {seed} {count}"));
    let line = "fuzz: seed {}: {} succeeded, {} refused, {} bytes of stack used";
    let told = numbers(&format!("{programs} {policy}"), line)?;
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
    random_calls(1_000_000, "sched=cooperative")
}

#[test]
fn random_calls_are_answered_by_the_contract_under_preemption() -> Result {
    random_calls(50_000, "sched=round-robin quantum=200us")
}

#[test]
fn hours_of_idle_time_with_a_shell_pass() -> Result {
    let mut machine = Machine::builder().cmdline("shells=1").icount(0).limit(LIMIT).boot()?;
    // Past 2^32 ticks of the clock in the first seconds, and more than a thousand times after that.
    machine.enter("naps 7200 1000")?;
    let naps = machine.expect_line("naps: {} naps in {} s, at most {} ns too long")?;
    assert_eq!((naps.number(0), naps.number(1)), (Some(7200), Some(7200)));
    assert_eq!(machine.command("hello and on")?.matches("and on").count(), 1);
    let up = machine.command("uptime")?;
    let (_, up) = Pattern::new("up {} s").find(&up).ok_or("no uptime")?;
    assert!(up.number(0) >= Some(7200));
    Ok(())
}
