//! What one program does to its registers, its pointers and itself stays its own affair.

mod crashes;

use orbital_tests::{Machine, Pattern, Profile, Result, exit};

/// The CPU with everything that QEMU emulates, and one without SMEP, SMAP, UMIP, XSAVE and AVX.
const CPUS: [&str; 2] = ["max", "qemu64"];

/// Runs programs that must all end well; the whole transcript.
fn all_end_well(cpu: &str, cmdline: &str) -> Result<String> {
    let mut machine = Machine::builder().cpu(cpu).cmdline(cmdline).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    Ok(machine.transcript().to_owned())
}

fn registers_survive(cpu: &str, vectors: &str) -> Result {
    let programs = "run=\"registers 1000 1; registers 1000 2; registers 1000 3\" poweroff=yes";
    let text = all_end_well(cpu, programs)?;
    for seed in 1..=3 {
        let line = format!("registers: 1000 rounds, seed {seed}, {vectors}: all kept");
        assert!(text.contains(&line), "no {line:?}");
    }
    Ok(())
}

#[test]
fn every_register_survives_every_call_and_a_thousand_switches() -> Result {
    registers_survive("max", "ymm")
}

#[test]
fn every_register_survives_without_xsave_and_avx() -> Result {
    registers_survive("qemu64", "xmm")
}

#[test]
fn every_register_and_flag_survives_preemption() -> Result {
    for cpu in CPUS {
        let programs = "registers 300 1 ticks; registers 300 2 ticks; registers 300 3 ticks";
        let policy = "sched=round-robin quantum=20us";
        let text = all_end_well(cpu, &format!("run=\"{programs}\" {policy} poweroff=yes"))?;
        let told = text.lines().filter_map(|line| {
            let captures = Pattern::new("registers: preempted {} times").find(line)?.1;
            captures.number(0)
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), 3, "{text}");
        assert!(told.iter().all(|&times| times > 0), "hardly preempted: {told:?}");
    }
    Ok(())
}

#[test]
fn a_program_starts_clean_where_another_left_everything_dirty() -> Result {
    for cpu in CPUS {
        let mut machine = Machine::builder().cpu(cpu).cmdline("shells=1").boot()?;
        // The second gets the kernel stack, and so the register image, that the first gave back.
        machine.enter("registers 50 1")?;
        machine.expect("(registers) exited: 0")?;
        machine.enter("args one two")?;
        machine.expect("(args) exited: 0")?;
    }
    Ok(())
}

#[test]
fn every_door_to_the_kernel_but_its_calls_is_shut() -> Result {
    for cpu in CPUS {
        let text = all_end_well(cpu, "run=doors poweroff=yes")?;
        let tried = Pattern::new("doors: {} tried, 0 open").find(&text);
        let tried = tried.and_then(|(_, captures)| captures.number(0));
        // Two questions about each selector, each vector, and some.
        assert!(tried > Some(2 * 65_536 + 256), "{text}");
    }
    Ok(())
}

#[test]
fn calls_write_what_they_say_and_nothing_beside() -> Result {
    let mut machine = Machine::builder().run("canaries read; canaries").boot()?;
    machine.expect("canaries: type word, then another")?;
    machine.send_line("word")?;
    machine.send_line("another")?;
    for _ in 0..2 {
        machine.expect("canaries: {} checks, 0 wrong")?;
    }
    machine.expect_exit(exit::SUCCESS)
}

/// What does not fault on a machine: TCG raises no SIMD floating-point exception, and a CPU without
/// UMIP lets programs see where the tables are.
fn survives(cpu: &str, kind: &str) -> bool {
    kind == "simd" || (cpu == "qemu64" && kind == "sgdt")
}

#[test]
fn every_fault_ends_its_own_program_only() -> Result {
    for cpu in CPUS {
        let machine = || Machine::builder().cpu(cpu);
        let kinds = crashes::kinds(machine())?;
        for some in kinds.chunks(35) {
            crashes::side_by_side(machine(), some, |kind| survives(cpu, kind))?;
        }
    }
    Ok(())
}

#[test]
fn a_page_fault_is_told_with_its_address_place_and_reason() -> Result {
    let mut machine = Machine::builder()
        .run("crash read-null; crash write-null; crash run-null; crash read-kernel")
        .boot()?;
    let kernel = "0xffffffff80000000";
    let told = machine.expect_all(&[
        "pid 1 (crash) killed: page-fault addr=0x0 rip={} error=0x4",
        "pid 2 (crash) killed: page-fault addr=0x0 rip={} error=0x6",
        "pid 3 (crash) killed: page-fault addr=0x0 rip=0x0 error={}",
        &format!("pid 4 (crash) killed: page-fault addr={kernel} rip={{}} error={{}}"),
    ])?;
    for rip in [&told[0], &told[1], &told[3]] {
        let text = 0x40_0000..0x50_0000;
        assert!(rip.number(0).is_some_and(|rip| text.contains(&rip)), "{rip:?}");
    }
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn a_shell_survives_the_crash_of_what_runs_beside_it() -> Result {
    let mut machine = Machine::builder().run("crash ud2; shell").boot()?;
    machine.expect("[kernel] pid 1 (crash) killed: invalid-opcode")?;
    assert_eq!(machine.command("echo still here")?, "still here\n");
    Ok(())
}

#[test]
fn every_call_refuses_what_it_must_with_the_right_error() -> Result {
    let mut machine = Machine::builder().run("badcalls").boot()?;
    machine.expect("(badcalls) exited: 0")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn bad_calls_are_refused_alike_without_smap_and_smep() -> Result {
    let mut machine = Machine::builder().cpu("qemu64").run("badcalls").boot()?;
    machine.expect("(badcalls) exited: 0")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn tasks_of_one_program_share_memory_but_no_stack() -> Result {
    let mut machine = Machine::builder().run("tasks 64; pingpong 1000").boot()?;
    machine.expect_all(&["(tasks) exited: 0", "(pingpong) exited: 0"])?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn waiting_gives_every_exit_code_and_refuses_nonsense() -> Result {
    let mut machine = Machine::builder().run("waiter").boot()?;
    machine.expect("(waiter) exited: 0")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn a_process_can_be_killed_in_every_state() -> Result {
    // Ready, and never run: that is sure to last only where nobody is preempted.
    let text = all_end_well("max", "run=kills sched=cooperative poweroff=yes")?;
    assert!(text.contains("kills: 8 kills, 0 wrong"), "{text}");
    Ok(())
}

/// Programs whose results do not depend on who runs when, and what they print.
fn results(policy: &str) -> Result<Vec<String>> {
    const PROGRAMS: &str = "run=\"registers 200 1; tasks 16; pingpong 200; waiter; badcalls; doors; \
                            mapper 200 1; storm 4; args one\" poweroff=yes quiet=yes";
    let text = all_end_well("max", &format!("{PROGRAMS} {policy}"))?;
    let is_result = |line: &&str| line.contains(": ") && !line.starts_with("[kernel]");
    let without_mark = |line: &str| match line.split_once("] ") {
        Some((_, rest)) => rest.to_owned(),
        None => line.to_owned(),
    };
    let mut lines: Vec<_> = text.lines().filter(is_result).map(without_mark).collect();
    lines.sort();
    Ok(lines)
}

#[test]
fn cooperative_and_preemptive_policies_give_the_same_results() -> Result {
    let cooperative = results("sched=cooperative")?;
    assert!(cooperative.len() >= 5, "{cooperative:#?}");
    for policy in ["round-robin", "priority", "fair", "seeded"] {
        let preemptive = results(&format!("sched={policy} quantum=100us"))?;
        assert_eq!(preemptive, cooperative, "{policy}");
    }
    Ok(())
}

#[test]
fn the_debug_build_keeps_processes_apart_too() -> Result {
    // It poisons memory that is given back, and asserts more.
    for cpu in CPUS {
        let programs =
            "registers 300 1; registers 300 2; badcalls; doors; waiter; kills; stress 300 1";
        let cmdline = format!("run=\"{programs}\" sched=cooperative poweroff=yes quiet=yes");
        let mut machine =
            Machine::builder().profile(Profile::Debug).cpu(cpu).cmdline(cmdline).boot()?;
        machine.expect_exit(exit::SUCCESS)?;
    }
    Ok(())
}

#[test]
fn a_program_that_never_yields_starves_the_others_when_cooperative() -> Result {
    let mut machine =
        Machine::builder().cmdline("sched=cooperative run=\"spin; say late 1\"").boot()?;
    machine.expect("(say) started")?;
    machine.refuse("late")?;
    machine.run_for(std::time::Duration::from_secs(2))
}
