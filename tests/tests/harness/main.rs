//! The harness keeps its own promises: nothing outlives a test, and failures explain themselves.

mod evidence;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Machine, Result, transcript};

/// Run as a process of its own by the test below.
#[test]
#[ignore = "a helper: boots a machine, prints QEMU's pid and waits to be killed"]
fn boot_and_hang() -> Result {
    let machine = Machine::builder().boot()?;
    println!("QEMU {}", machine.qemu_pid());
    thread::sleep(Duration::from_secs(60));
    Ok(())
}

/// One of this file's helpers in a process of its own, and the lines it prints.
fn helper(name: &str) -> Result<(Child, impl Iterator<Item = String> + use<>)> {
    let mut test = Command::new(std::env::current_exe()?)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = test.stdout.take().ok_or("stdout is a pipe")?;
    Ok((test, BufReader::new(output).lines().map_while(std::result::Result::ok)))
}

#[test]
fn a_killed_test_process_leaves_no_qemu_behind() -> Result {
    let (mut test, mut said) = helper("boot_and_hang")?;
    let pid = said.find_map(|line| Some(line.rsplit_once("QEMU ")?.1.to_owned()));
    test.kill()?;
    test.wait()?;
    let process = format!("/proc/{}", pid.ok_or("the helper says QEMU's pid")?);
    let deadline = Instant::now() + Duration::from_secs(60);
    while Path::new(&process).exists() {
        assert!(Instant::now() < deadline, "QEMU is still there");
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

#[test]
fn the_example_in_the_readme_is_a_test() {
    let (_, example) = include_str!("../example.rs").split_once("\n\n").unwrap_or_default();
    assert!(include_str!("../../README.md").contains(&format!("```rust\n{example}```")));
}

#[test]
fn a_dropped_machine_is_gone() -> Result {
    let machine = Machine::builder().boot()?;
    let process = format!("/proc/{}", machine.qemu_pid());
    assert!(Path::new(&process).exists());
    drop(machine);
    assert!(!Path::new(&process).exists());
    Ok(())
}

#[test]
fn a_wrong_line_fails_as_soon_as_the_prompt_is_back() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.enter("echo right")?;
    let start = Instant::now();
    let failure = machine.expect("wrong").expect_err("it says right").to_string();
    assert!(start.elapsed() < Duration::from_secs(30), "it waited for the step's limit");
    let place = format!("{}:{}", file!(), line!() - 2);
    for part in [
        place.as_str(),
        "the prompt is there, waiting for `wrong`",
        "  | right",
        "transcript: ",
        "scripts/run.sh",
    ] {
        assert!(failure.contains(part), "{part:?} is missing in\n{failure}");
    }
    Ok(())
}

/// How long a transcript of these lines took, and how it ended.
fn play(lines: &str) -> Result<(Duration, String)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("orbital-test-{}-transcript-{number}.txt", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, lines)?;
    let start = Instant::now();
    let played = transcript::run(&file.to_string_lossy());
    let took = start.elapsed();
    let end = played.err().map_or_else(String::new, |failure| failure.to_string());
    fs::remove_file(&file)?;
    Ok((took, end.replace(&*file.to_string_lossy(), "FILE")))
}

#[test]
fn a_wrong_line_of_a_transcript_fails_within_a_second() -> Result {
    drop(Machine::builder().warm()?);
    let mut all_right = None;
    for (lines, seen) in [
        ("orbital> echo so\nso\n(gdb) print 40 + 2\n= 42\n", ""),
        ("orbital> echo so\nother\n(gdb) print 40 + 2\n= 42\n", "  | so\n"),
        ("orbital> echo so\nso\n(gdb) print 40 + 2\nother\n", "$1 = 42\n"),
    ] {
        // The shortest of three: what else runs takes its share.
        let (took, end) = play(lines)?.min(play(lines)?).min(play(lines)?);
        println!("{took:.2?}: {lines:?}");
        // Of what is right the machine's and gdb's start take the most.
        let right = *all_right.get_or_insert(took);
        assert!(took < right + Duration::from_secs(1), "{took:?}, {right:?} if all is right");
        let line = lines.lines().position(|line| line == "other");
        let place = line.map_or_else(String::new, |line| format!("FILE:{}: ", line + 1));
        assert!(end.starts_with(&place) && end.contains(seen), "{end}");
        assert_eq!(end.is_empty(), line.is_none(), "{end}");
    }
    Ok(())
}

#[test]
fn a_line_missing_in_the_boot_log_fails_at_the_first_prompt() -> Result {
    let mut machine = Machine::builder().boot()?;
    let failure = machine.expect_line("[kernel] never").expect_err("nobody prints it");
    assert!(failure.to_string().contains("the prompt is there"), "{failure}");
    Ok(())
}

#[test]
fn a_reset_of_the_machine_fails_at_once() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.qmp("system_reset", serde_json::json!({}))?;
    let failure = machine.expect("never printed").expect_err("it was reset").to_string();
    assert!(failure.contains("reset"), "{failure}");
    Ok(())
}
