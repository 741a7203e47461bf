//! The harness keeps its own promises: nothing outlives a test, and failures explain themselves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use orbital_tests::{Machine, Result, transcript, workspace};

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
    let (_, example) = include_str!("example.rs").split_once("\n\n").unwrap_or_default();
    assert!(include_str!("../README.md").contains(&format!("```rust\n{example}```")));
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

/// The shortest time of three in which a transcript of these lines was run, and how it ended.
fn play(lines: &str) -> Result<(Duration, String)> {
    let file = std::env::temp_dir().join(format!("orbital-test-{}.txt", std::process::id()));
    fs::write(&file, lines)?;
    let mut shortest = Duration::MAX;
    let mut end = String::new();
    for _ in 0..3 {
        let start = Instant::now();
        let played = transcript::run(&file.to_string_lossy());
        shortest = shortest.min(start.elapsed());
        end = played.err().map_or_else(String::new, |failure| failure.to_string());
    }
    let end = end.replace(&*file.to_string_lossy(), "FILE");
    fs::remove_file(file)?;
    Ok((shortest, end))
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
        let (took, end) = play(lines)?;
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

/// Runs the command with which a failure says it can be repeated, without gdb; the folder it names,
/// and what the machine printed.
fn repeat(failure: &str) -> Result<(PathBuf, String)> {
    let command = failure.lines().find_map(|line| line.strip_prefix("in gdb:     "));
    let words: Vec<_> = command.ok_or(failure)?.split(' ').collect();
    let ["scripts/run.sh", "--replay", folder, "--gdb"] = words[..] else {
        panic!("not the command that repeats it: {command:?}");
    };
    let again = Command::new(workspace().join(words[0]))
        .args(["--replay", folder, "--timeout", "300", "--gdb-socket"])
        .arg(Path::new(folder).join("gdb"))
        .stdin(Stdio::null())
        .output()?;
    Ok((folder.into(), String::from_utf8_lossy(&again.stdout).replace('\r', "")))
}

#[test]
fn a_failure_leaves_a_recording_that_repeats_it() -> Result {
    let mut machine = Machine::builder().cmdline("panic=yes").record().boot()?;
    let failure = machine.prompt().expect_err("the kernel panics").to_string();
    let (folder, said) = repeat(&failure)?;
    for file in ["disk.img", "kernel.elf", "programs/shell.elf", "transcript.txt", "replay.bin"] {
        assert!(folder.join(file).exists(), "{file} is missing in {}", folder.display());
    }
    assert_eq!(fs::read_dir(folder.join("programs"))?.count(), 1, "no other program ran");
    for line in machine.transcript().lines().filter(|line| line.starts_with("[kernel]")) {
        assert!(said.contains(line), "{line} is missing in\n{said}");
    }
    assert!(said.contains("[kernel] panic"), "{said}");
    Ok(())
}

/// Run as a process of its own by the test below.
#[test]
#[ignore = "a helper: prints QEMU's pid, and how a recorded machine that prints a lot fails"]
fn record_a_flood() -> Result {
    let programs = format!("say {} 1000", "flood".repeat(20));
    let mut machine = Machine::builder().cmdline(format!("run=\"{programs}\"")).record().boot()?;
    println!("QEMU {}", machine.qemu_pid());
    machine.refuse("(say) exited")?;
    println!("{}", machine.expect("never printed").expect_err("say ends"));
    Ok(())
}

#[test]
fn a_recording_is_whole_however_slow_the_test_was() -> Result {
    let (mut test, mut said) = helper("record_a_flood")?;
    said.find(|line| line.contains("QEMU ")).ok_or("the helper says QEMU's pid")?;
    let signal = |name: &str| Command::new("kill").args([name, &test.id().to_string()]).status();
    // Meanwhile the machine prints more than a pipe or a socket would hold.
    signal("-STOP")?;
    thread::sleep(Duration::from_secs(4));
    signal("-CONT")?;
    let failure = said.collect::<Vec<_>>().join("\n");
    assert!(test.wait()?.success(), "{failure}");
    let (_, said) = repeat(&failure)?;
    assert_eq!(said.matches(&"flood".repeat(20)).count(), 1001, "{said}");
    assert!(said.contains("(say) exited: 0"), "{said}");
    Ok(())
}

#[test]
fn a_failure_without_a_recording_leaves_the_machine() -> Result {
    let mut machine = Machine::builder().cmdline("shells=1").memory_mib(64).warm()?;
    machine.enter("echo right")?;
    let failure = machine.expect("wrong").expect_err("it says right").to_string();
    let folder = failure.split_once("--replay ").and_then(|(_, rest)| rest.split(' ').next());
    let folder = folder.ok_or_else(|| failure.clone())?;
    let mut again = Command::new(workspace().join("scripts/run.sh"))
        .args(["--replay", folder, "--timeout", "300", "--gdb-socket"])
        .arg(Path::new(folder).join("gdb"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(again.stdout.take().ok_or("stdout is a pipe")?);
    let mut said = output.lines().map_while(std::result::Result::ok);
    let found = said.any(|line| line.contains("[kernel] command line: shells=1"));
    Command::new("kill").arg(again.id().to_string()).status()?;
    again.wait()?;
    assert!(found, "the same machine boots once more");
    Ok(())
}
