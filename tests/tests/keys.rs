//! Keys while a program computes and never yields: Control-C, the focus, and floods of input.

use std::time::Duration;

use orbital_tests::{Machine, Pattern, Result};

/// One policy that never takes the CPU from a program, and one that does.
const POLICIES: [&str; 2] = ["cooperative", "round-robin"];

const CONTROL_C: &str = "\x03";
const NEXT_SHELL: &str = "\x0f";

fn shells(policy: &str) -> Result<Machine> {
    Machine::builder().cmdline(format!("sched={policy}")).warm()
}

#[test]
fn control_c_ends_a_program_that_never_yields() -> Result {
    for policy in POLICIES {
        let mut machine = shells(policy)?;
        for round in 0..3 {
            machine.enter("spin")?;
            let pid = machine.expect_line("[kernel] pid {} (spin) started")?;
            machine.run_for(Duration::from_millis(100))?;
            machine.send(CONTROL_C)?;
            machine.expect_line(&format!("[kernel] pid {} (spin) killed: by pid 1", &pid[0]))?;
            assert_eq!(machine.command(&format!("echo {round}"))?, format!("{round}\n"));
        }
    }
    Ok(())
}

#[test]
fn the_focus_moves_while_a_program_spins() -> Result {
    for policy in POLICIES {
        let mut machine = shells(policy)?;
        machine.enter("spin")?;
        machine.expect("(spin) started")?;
        for pid in [2, 3, 1] {
            machine.send(NEXT_SHELL)?;
            machine.expect_line(&format!("[kernel] focus: pid {pid} (Ctrl-O moves it)"))?;
        }
        machine.send(CONTROL_C)?;
        machine.expect("(spin) killed: by pid 1")?;
        machine.prompt()?;
    }
    Ok(())
}

#[test]
fn control_c_ends_what_keeps_its_shell_from_the_cpu() -> Result {
    let mut machine = shells("cooperative")?;
    machine.enter("spin &")?;
    machine.expect_line("started spin, pid 4")?;
    machine.prompt()?;
    // The first gives the shell, which waits for a line, an empty one; it gets no turn to read it.
    for _ in 0..3 {
        machine.send(CONTROL_C)?;
        machine.run_for(Duration::from_millis(300))?;
    }
    machine.expect_line("[kernel] pid 4 (spin) killed: by pid 1")?;
    machine.prompt().map(drop)
}

#[test]
fn a_program_in_the_background_outlives_control_c() -> Result {
    let mut machine = shells("round-robin")?;
    machine.enter("spin &")?;
    machine.expect_line("started spin, pid 4")?;
    machine.refuse("(spin) killed")?;
    for _ in 0..5 {
        machine.prompt()?;
        machine.send(CONTROL_C)?;
        machine.expect("^C")?;
    }
    assert_eq!(machine.command("echo on")?, "on\n");
    Ok(())
}

/// What is typed at a program that does not read is kept as far as there is room, and the rest is
/// counted; nothing else happens to it.
#[test]
fn of_a_flood_every_byte_is_read_or_reported() -> Result {
    const LINES: usize = 3000;
    const LINE: &str = "echo kept\r";
    for policy in POLICIES {
        let mut machine = shells(policy)?;
        machine.enter("spin 3")?;
        machine.expect("(spin) started")?;
        for _ in 0..LINES {
            machine.send(LINE)?;
        }
        machine.expect("(spin) exited: 0")?;
        // A prompt is there for every line that waited, and only the last one stays.
        machine.run_for(Duration::from_secs(2))?;
        assert_eq!(machine.command("pid")?, "pid 1\n");
        let text = machine.transcript();
        let kept = text.matches("kept").count() - text.matches("echo kept").count();
        let dropped = Pattern::new("[kernel] input of pid 1: {} bytes dropped");
        let dropped: u64 = text.lines().filter_map(|line| dropped.find(line)?.1.number(0)).sum();
        assert!(kept > 0 && dropped > 0, "{policy}: {kept} lines kept, {dropped} bytes dropped");
        let kept = (kept * LINE.len()) as u64;
        assert_eq!(kept + dropped, (LINES * LINE.len()) as u64, "{policy}");
    }
    Ok(())
}
