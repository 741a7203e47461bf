//! Keys while a program computes and never yields: Control-C, the focus, and floods of input.

use std::time::{Duration, Instant};

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
        // Each line that waited is read in its turn, however long that takes on this host.
        let (start, sent) = (Instant::now(), LINES * LINE.len());
        let (mut kept, mut dropped) = (0, 0);
        while kept * LINE.len() + dropped < sent && start.elapsed() < Duration::from_secs(120) {
            machine.run_for(Duration::from_millis(200))?;
            (kept, dropped) = kept_and_dropped(machine.transcript());
        }
        assert!(kept > 0 && dropped > 0, "{policy}: {kept} lines kept, {dropped} bytes dropped");
        assert_eq!(kept * LINE.len() + dropped, sent, "{policy}");
        assert_eq!(machine.command("pid")?, "pid 1\n");
    }
    Ok(())
}

/// Lines that `echo kept` has printed, and bytes of input that the kernel says it dropped.
fn kept_and_dropped(text: &str) -> (usize, usize) {
    let pattern = Pattern::new("[kernel] input of pid 1: {} bytes dropped");
    let dropped = text.lines().filter_map(|line| pattern.find(line)?.1[0].parse::<usize>().ok());
    (text.matches("kept").count() - text.matches("echo kept").count(), dropped.sum())
}
