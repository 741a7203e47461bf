//! What the shell says of policies and shares, and sets: `sched`, `nice`, `top`.

use orbital_tests::{Machine, Result};

use crate::machine;

#[test]
fn the_shell_shows_and_sets_policy_quantum_and_weight() -> Result {
    let mut machine = Machine::builder().cmdline("sched=cooperative").warm()?;
    machine.enter("sched")?;
    machine.expect_line("policy cooperative, quantum 10ms, {} ready")?;
    machine.expect_line("timer {} at {} MHz, {} interrupts")?;
    machine.enter("sched fair 2500us")?;
    machine.expect_line("policy fair, quantum 2500us, {} ready")?;
    machine.enter("sched round-robin")?;
    machine.expect_line("policy round-robin, quantum 2500us, {} ready")?;
    let refused = machine.command("sched first-come")?;
    assert_eq!(
        refused,
        "policies: cooperative round-robin priority fair seeded sweep\nusage: sched [POLICY [QUANTUM]]\n"
    );
    machine.enter("sched fair 10")?;
    machine.expect_line("quantum: 1us to 1s, such as 10ms")?;
    machine.expect_line("usage: sched [POLICY [QUANTUM]]")?;
    machine.enter("sched fair 2s")?;
    machine.expect_line("quantum: 1us to 1s, such as 10ms")?;
    machine.expect_line("sched: invalid argument")?;
    machine.enter("nice 1 200")?;
    machine.enter("nice 99 200")?;
    machine.expect_line("nice: not found")?;
    machine.enter("nice 1 0")?;
    machine.expect_line("weight: 1 to 10000")?;
    machine.expect_line("nice: invalid argument")?;
    machine.enter("time sleep 50ms")?;
    let took = machine.expect_line("took {} s")?;
    assert!(took[0].parse::<f64>().is_ok_and(|seconds| seconds >= 0.05), "{}", &took[0]);
    Ok(())
}

#[test]
fn top_shows_shares_and_ends_with_its_time_or_control_c() -> Result {
    let mut machine = Machine::builder().icount(2).cmdline("sched=fair quantum=5ms").boot()?;
    for _ in 0..2 {
        machine.enter("spin &")?;
        machine.expect_line("started spin, pid {}")?;
    }
    machine.enter("nice 5 300")?;
    machine.enter("top 1")?;
    machine.expect_line(
        "policy fair, {} tasks, {} ready; switches/s {} voluntary, {} forced; idle {}",
    )?;
    machine.expect_line("{}5 {}7{}.{}% {} spin")?;
    machine.expect_line("{}4 {}2{}.{}% {} spin")?;
    machine.enter("top")?;
    for _ in 0..2 {
        machine.expect("policy fair")?;
    }
    machine.send("\x03")?;
    machine.expect("(top) killed: by pid 1")?;
    machine.prompt().map(drop)
}

#[test]
fn top_finds_the_busiest_of_many_and_shows_a_screenful() -> Result {
    let programs = format!("{}top 1; spin", "tiny idle; ".repeat(62));
    let mut machine = machine(2, "round-robin", &programs).boot()?;
    machine.expect("policy round-robin, 66 tasks, ")?;
    machine.expect("        64  ")?;
    machine.expect("... and 46 more").map(drop)
}
