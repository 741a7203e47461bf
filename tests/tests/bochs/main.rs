//! What QEMU's emulation lacks or hides, on the CPU that Bochs emulates: x2APIC mode, the TSC-deadline
//! timer, flags that `syscall` clears by FMASK alone, and Intel's faults where QEMU has others or none.

#[path = "../crashes/mod.rs"]
mod crashes;
mod files;

use std::fs::{self, DirEntry};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Builder, Machine, Pattern, Result, exit, run_script};

/// Instructions a second, and ticks of the time-stamp counter: `scripts/bochsrc` has them as `ips`.
const HZ: f64 = 50e6;

/// A machine in Bochs, which is slower than QEMU.
fn bochs() -> Builder {
    Machine::builder().bochs().limit(Duration::from_secs(240))
}

fn close(what: &str, got: f64, wanted: f64) {
    println!("{what}: {got}, should be {wanted}");
    assert!((got - wanted).abs() <= wanted * 0.01, "{what}: {got} instead of {wanted}");
}

/// The number that a line of `text` has where the pattern has its first `{}`.
fn told(text: &str, pattern: &str) -> Result<f64> {
    let (_, captures) = Pattern::new(pattern).find(text).ok_or(format!("{pattern}: {text}"))?;
    Ok(captures[0].parse().map_err(|_| format!("no number: {text}"))?)
}

#[test]
fn shells_run_in_x2apic_mode_with_the_tsc_deadline_timer_and_every_protection() -> Result {
    let mut machine = bochs().cmdline("shells=2").boot()?;
    // SMEP, SMAP and UMIP among them. That the boot goes on is the self test's word that they are on.
    machine.expect_line("[kernel] cpu: lacks nothing")?;
    machine.expect_line("[kernel] interrupts: local APIC 0 in x2APIC mode")?;
    let clock =
        machine.expect_line("[kernel] clock: TSC {} MHz {}; timer: TSC-deadline at {} MHz")?;
    for at in [0, 2] {
        close("rate", clock[at].parse().unwrap_or(f64::NAN) * 1e6, HZ);
    }

    // An instruction is a tick: what a program computes in 2 s of the clock says whether it is right.
    let turns =
        told(&machine.command("meter 2s")?, "meter: {} turns of 200000 instructions in 2s")?;
    close("seconds computed", turns * 200_000.0 / HZ, 2.0);
    let uptime = |machine: &mut Machine| told(&machine.command("uptime")?, "up {} s");
    let before = uptime(&mut machine)?;
    close("slept", told(&machine.command("time sleep 3")?, "took {} s")?, 3.0);
    let passed = uptime(&mut machine)? - before;
    assert!((3.0..=4.0).contains(&passed), "up {passed} s more after 3 s");

    // Keys are served while a program computes, and in a preemptive policy so is everybody.
    machine.enter("spin")?;
    machine.expect("(spin) started")?;
    machine.send("\x03")?;
    machine.expect("(spin) killed: by pid 1")?;
    machine.command("sched round-robin 1ms")?;
    machine.command("spawn spin &")?;
    let interrupts = |machine: &mut Machine| {
        told(&machine.command("sched")?, "timer TSC-deadline at 50.000 MHz, {} interrupts")
    };
    let before = interrupts(&mut machine)?;
    machine.command("meter 1s")?;
    let came = interrupts(&mut machine)? - before;
    assert!(came > 500.0, "{came} interrupts of the timer in a second of slices of 1 ms");
    // As QEMU's, Bochs's console is left by keys.
    machine.send("\x01x")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn calls_and_flags_keep_their_promises_and_a_spinner_keeps_the_cpu_when_cooperative() -> Result {
    // `registers` makes calls with DF, NT, AC and the others set, at random.
    let programs =
        "spin 2; say late 3; registers 300 1; registers 300 2; doors; badcalls; canaries";
    let cmdline = format!("sched=cooperative run=\"{programs}\" poweroff=yes");
    let mut machine = bochs().cmdline(cmdline).boot()?;
    machine.expect("(spin) exited: 0")?;
    // More may have come since.
    let text = machine.transcript();
    let (before, _) = text.split_once("(spin) exited: 0").ok_or("it has ended")?;
    assert!(!before.contains("[pid 2] late"), "{before}");
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    for seed in [1, 2] {
        let line = format!("registers: 300 rounds, seed {seed}, ymm: all kept");
        assert!(text.contains(&line), "no {line:?}");
    }
    assert_eq!(text.matches("late\n").count(), 3, "{text}");
    Ok(())
}

#[test]
fn the_deadline_timer_takes_the_cpu_from_a_spinner_and_changes_no_register() -> Result {
    let programs = "spin 3; say early 3; registers 200 1 ticks; registers 200 2 ticks";
    let cmdline = format!("sched=round-robin quantum=1ms run=\"{programs}\" poweroff=yes");
    let mut machine = bochs().cmdline(cmdline).boot()?;
    machine.expect("(say) exited: 0")?;
    assert!(!machine.transcript().contains("(spin) exited"), "{}", machine.transcript());
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    let preempted = Pattern::new("registers: preempted {} times");
    let times = text.lines().filter_map(|line| preempted.find(line)?.1.number(0));
    let times: Vec<_> = times.collect();
    assert!(times.len() == 2 && times.iter().all(|&times| times > 0), "{times:?}: {text}");
    Ok(())
}

#[test]
fn every_fault_is_the_one_that_intel_documents_and_ends_its_own_program_only() -> Result {
    // Page faults are QEMU's, too.
    let kinds = crashes::kinds(Machine::builder())?;
    let kinds = kinds.into_iter().filter(|(_, faults)| faults != "page-fault");
    let exactly = |(kind, faults): crashes::Kind| {
        let documented = match kind.as_str() {
            "noncanonical-stack" | "noncanonical-frame" => "stack-segment",
            "iret-ring0" | "invpcid" | "sysenter" | "xsetbv" => "general-protection",
            _ => &faults,
        };
        (kind, documented.to_owned())
    };
    crashes::side_by_side(bochs(), &kinds.map(exactly).collect::<Vec<_>>(), |_| false)
}

/// Intel's `sysretq` to a non-canonical address faults in ring 0 (CVE-2012-0217).
#[test]
fn a_call_at_the_end_of_user_memory_is_no_way_to_a_non_canonical_address() -> Result {
    let mut machine = bochs();
    for (name, end) in [("highest", files::USER_END), ("hole", files::CANONICAL_END)] {
        machine = machine.program(files::calls_just_below(end)?, name);
    }
    let mut machine = machine.run("highest; hole; registers 50 1").boot()?;
    machine.expect_all(&[
        "pid 1 (highest) killed: page-fault addr=0x7ffffffff000 rip=0x7ffffffff000",
        "[kernel] hole refused: segment outside user memory",
        "(registers) exited: 0",
    ])?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}

/// QEMU reads the stack with the kernel's rights there, which SMAP, if the CPU has it, does not allow.
#[test]
fn a_program_may_return_far_within_ring_3() -> Result {
    for machine in [bochs(), Machine::builder().cpu("qemu64")] {
        let mut machine = machine.program(files::returns_far()?, "far").run("far").boot()?;
        machine.expect("pid 1 (far) exited: 0")?;
        machine.expect_exit(exit::SUCCESS)?;
    }
    Ok(())
}

/// There it is over after 50 instructions, fewer than the kernel takes to end a slice.
#[test]
fn programs_get_on_with_the_shortest_quantum() -> Result {
    for sched in ["round-robin", "seeded"] {
        let cmdline = format!("sched={sched} quantum=1us run=\"say on 2; say on 2\" poweroff=yes");
        let mut machine = bochs().cmdline(cmdline).boot()?;
        machine.expect_exit(exit::SUCCESS)?;
    }
    Ok(())
}

#[test]
fn a_panic_gets_out_to_its_last_line() -> Result {
    let mut machine = bochs().cmdline("panic=yes trace=0").may_panic().boot()?;
    machine.expect("[kernel] panic")?;
    machine.expect_line("[kernel] last switches (microseconds since boot):")?;
    machine.expect_exit(exit::PANIC)
}

/// `scripts/run.sh --bochs` and what it started: all processes with this folder as theirs.
fn processes_in(folder: &Path) -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let ours = |entry: &DirEntry| {
        fs::read_link(entry.path().join("cwd")).is_ok_and(|place| place.starts_with(folder))
    };
    let name = |entry: DirEntry| fs::read_to_string(entry.path().join("comm")).ok();
    processes.flatten().filter(ours).filter_map(name).collect()
}

#[test]
fn a_run_that_is_told_to_stop_leaves_no_process_and_no_file() -> Result {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bochs-stopped");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let mut run = run_script(&["--bochs", "--append", "shells=1"])
        .env("TMPDIR", &folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    // Kept open: a machine that nobody hears ends by itself.
    let mut output = BufReader::new(run.stdout.take().ok_or("a pipe")?);
    let mut lines = output.by_ref().lines().map_while(io::Result::ok);
    let started = lines.any(|line| line.contains("Orbital 0"));
    assert!(started, "no machine");
    assert!(processes_in(&folder).iter().any(|name| name.starts_with("bochs")));
    Command::new("kill").arg(run.id().to_string()).status()?;
    assert_eq!(run.wait()?.code(), Some(143));
    let deadline = Instant::now() + Duration::from_secs(20);
    while !processes_in(&folder).is_empty() {
        assert!(Instant::now() < deadline, "{:?} still run", processes_in(&folder));
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(fs::read_dir(&folder)?.count(), 0, "files are left in {}", folder.display());
    Ok(())
}
