//! `scripts/run.sh` as a user meets it: options, refusals, and exit codes.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use orbital_tests::{Result, program, run_script, workspace};

fn command(arguments: &[&str]) -> Command {
    let mut command = run_script(arguments);
    command.stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Result<Output> {
    Ok(command(arguments).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A refusal is an exit code and one line that names what is wrong.
fn refuses(arguments: &[&str], code: i32, about: &str) -> Result {
    let output = run(arguments)?;
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    assert!(said.contains(about), "{arguments:?}: {said}");
    Ok(())
}

#[test]
fn help_lists_every_option() -> Result {
    let output = run(&["--help"])?;
    assert!(output.status.success());
    let help = text(&output.stdout);
    for option in [
        "--append",
        "--program",
        "--wait-gdb",
        "--gdb-socket",
        "--qmp",
        "--deterministic",
        "--record",
        "--keep",
        "--replay",
        "--gdb",
        "--bochs",
        "--uefi",
        "--display",
        "--memory",
        "--timeout",
        "--release",
        "--debug",
        "--qemu-arg",
        "--help",
    ] {
        assert!(help.contains(option), "{option} is missing in\n{help}");
    }
    Ok(())
}

#[test]
fn wrong_usage_is_refused_with_2() -> Result {
    refuses(&["--frobnicate"], 2, "--frobnicate")?;
    refuses(&["stray"], 2, "stray")?;
    refuses(&["--append"], 2, "--append")?;
    refuses(&["--memory", "16"], 2, "the boot loader needs 18")?;
    refuses(&["--memory", "much"], 2, "much")?;
    refuses(&["--timeout", "soon"], 2, "soon")
}

#[test]
fn a_place_that_cannot_be_written_is_named_in_one_line() -> Result {
    let output = command(&["--append", "shells=1"]).env("TMPDIR", "/nowhere").output()?;
    let said = text(&output.stderr);
    let ours: Vec<_> = said.lines().filter(|line| line.contains("nowhere")).collect();
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert_eq!(ours, ["orbital: cannot write to /nowhere"], "{said}");
    let output =
        Command::new(workspace().join("scripts/trace.sh")).args(["--to", "/proc/no"]).output()?;
    assert_eq!(text(&output.stderr), "orbital: cannot write /proc/no\n");
    Ok(())
}

#[test]
fn the_long_runs_do_not_start_by_a_wrong_option() -> Result {
    let long = |option| Command::new(workspace().join("scripts/long.sh")).arg(option).output();
    assert!(text(&long("--help")?.stdout).starts_with("usage: scripts/long.sh"));
    let refused = long("--every")?;
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(text(&refused.stderr), "orbital: unknown option --every (see --help)\n");
    Ok(())
}

#[test]
fn what_bochs_cannot_do_is_refused_by_name() -> Result {
    for option in ["--uefi", "--gdb", "--wait-gdb", "--deterministic"] {
        refuses(&["--bochs", option], 2, option)?;
    }
    for option in ["--gdb-socket", "--qmp", "--record", "--qemu-arg"] {
        refuses(&[option, "x", "--bochs"], 2, option)?;
    }
    Ok(())
}

#[test]
fn a_missing_program_file_is_named() -> Result {
    refuses(&["--program", "/nowhere/at/all=x"], 2, "/nowhere/at/all")
}

#[test]
fn programs_that_end_well_make_it_exit_0() -> Result {
    let output = run(&["--append", "run=\"hello from run.sh\" poweroff=yes", "--timeout", "60"])?;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("from run.sh"), "{said}");
    assert!(said.contains("(hello) exited: 0"), "{said}");
    Ok(())
}

#[test]
fn a_program_that_fails_makes_it_fail() -> Result {
    let output = run(&["--append", "run=\"exitcode 5\" poweroff=yes", "--timeout", "60"])?;
    assert_ne!(output.status.code(), Some(0));
    let said = text(&output.stdout);
    assert!(said.contains("(exitcode) exited: 5"), "{said}");
    Ok(())
}

#[test]
fn a_program_of_the_user_runs_under_its_name() -> Result {
    let pair = format!("{}=mine", program("hello")?.display());
    let append = "run=\"mine is here\" poweroff=yes";
    let output = run(&["--program", &pair, "--append", append, "--timeout", "60"])?;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("is here") && said.contains("(mine) exited: 0"), "{said}");
    Ok(())
}

#[test]
fn a_timeout_ends_it_with_a_failure_that_says_so() -> Result {
    let start = Instant::now();
    let output = run(&["--timeout", "3"])?;
    let said = text(&output.stderr);
    assert!(start.elapsed() >= Duration::from_secs(3), "{said}");
    assert_ne!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("--timeout"), "{said}");
    Ok(())
}
