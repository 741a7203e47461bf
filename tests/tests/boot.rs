//! From reset to the first prompt: the boot log, and every machine that must get there.

use std::time::{Duration, Instant};

use orbital_tests::{Builder, Firmware, Machine, Profile, Result};

/// Boots, reads the whole log, and checks that the first shell answers.
fn boots(builder: Builder) -> Result<Machine> {
    let mut machine = builder.boot()?;
    machine.expect_line("[kernel] {}")?;
    machine.expect_line("[launcher] Multi-process shell launcher")?;
    machine.expect_line("[launcher] Spawning 3 concurrent shell instances...")?;
    let size = machine.expect_line("[launcher] Binary size: {} bytes")?;
    assert!(size.number(0) > Some(1000), "a shell is larger than {} bytes", &size[0]);
    for (index, pid) in [(0, 1), (1, 2), (2, 3)] {
        let line = format!("[launcher] Spawned process orbital-shell-{index}: PID {pid}");
        machine.expect_line(&line)?;
    }
    machine.expect_line("[launcher] Spawned 3 processes, total this session: 3")?;
    machine.expect_line("[launcher] Multi-process execution ready")?;
    machine.expect_line("[launcher] 3 shells running concurrently (policy: {policy})")?;
    assert_eq!(machine.prompt()?, "[1] orbital> ");
    // The others may still greet while the first one is at its prompt already.
    machine.enter("echo it lives")?;
    machine.expect_line("it lives")?;
    Ok(machine)
}

#[test]
fn the_bios_image_boots_to_three_shells() -> Result {
    boots(Machine::builder()).map(drop)
}

#[test]
fn the_uefi_image_boots_to_three_shells() -> Result {
    boots(Machine::builder().firmware(Firmware::Uefi)).map(drop)
}

#[test]
fn the_debug_build_boots_to_three_shells() -> Result {
    boots(Machine::builder().profile(Profile::Debug)).map(drop)
}

#[test]
fn a_cpu_without_xsave_and_smep_boots_to_three_shells() -> Result {
    boots(Machine::builder().cpu("qemu64")).map(drop)
}

#[test]
fn the_log_says_what_was_found_before_anything_is_started() -> Result {
    let mut machine = Machine::builder().boot()?;
    machine.expect_line("[kernel] Orbital {}: handed over by {}")?;
    machine.expect_line("[kernel] cpu: has {}")?;
    machine.expect_line("[kernel] memory: {}")?;
    let ramdisk = machine.expect_line("[kernel] ramdisk: {} programs, {} bytes")?;
    assert!(ramdisk.number(0) > Some(5), "only {} programs", &ramdisk[0]);
    machine.expect_line("[kernel] ramdisk: bin/shell {} bytes")?;
    machine.expect("[kernel] command line: ")?;
    machine.expect_line("[kernel] clock: {}")?;
    machine.expect_line("[launcher] Multi-process shell launcher")?;
    Ok(())
}

#[test]
fn waiting_for_input_costs_almost_no_host_cpu() -> Result {
    let mut machine = boots(Machine::builder())?;
    machine.run_for(Duration::from_millis(500))?;
    let before = machine.host_cpu_time()?;
    machine.run_for(Duration::from_secs(2))?;
    let used = machine.host_cpu_time()? - before;
    assert!(used < Duration::from_millis(200), "idle for 2 s used {used:?}");
    Ok(())
}

#[test]
fn uptime_follows_the_clock_on_the_wall() -> Result {
    let mut machine = boots(Machine::builder())?;
    let up = |machine: &mut Machine| {
        machine.enter("uptime")?;
        let seconds = machine.expect_line("up {} s")?.number(0);
        Ok::<_, orbital_tests::Failure>(seconds.ok_or("uptime is a number")?)
    };
    let start = Instant::now();
    let first = up(&mut machine)?;
    machine.run_for(Duration::from_secs(4))?;
    let passed = up(&mut machine)? - first;
    let seconds = start.elapsed().as_secs();
    assert!(passed.abs_diff(seconds) <= 1, "{passed} s passed for it, {seconds} s for us");
    Ok(())
}

#[test]
fn a_saved_machine_goes_on_where_it_was() -> Result {
    for _ in 0..2 {
        let mut machine = Machine::builder().warm()?;
        assert_eq!(machine.prompt()?, "[1] orbital> ");
        assert_eq!(machine.command("echo warm")?, "warm\n");
    }
    Ok(())
}
