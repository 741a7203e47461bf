//! What a failed test leaves, and that the command it prints does what it says.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use orbital_tests::{Machine, Result, workspace};

use crate::{helper, play};

/// A new name, short enough for a socket.
fn socket() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("orbital-test-{}-again-{number}", std::process::id()))
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
        .arg(socket())
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
    let (mut test, mut said) = helper("evidence::record_a_flood")?;
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

/// Everything that `--replay` wants, and a transcript, is in the folder that a failure names.
fn leaves_the_machine(failure: &str, programs: &[&str]) -> Result<(PathBuf, String)> {
    let (folder, said) = repeat(failure)?;
    for file in ["disk.img", "kernel.elf", "transcript.txt", "machine"] {
        assert!(folder.join(file).exists(), "{file} is missing in {}", folder.display());
    }
    let entries = fs::read_dir(folder.join("programs"))?.flatten();
    let mut kept: Vec<_> = entries.map(|entry| entry.file_name().into_string()).collect();
    kept.sort();
    assert_eq!(kept, programs.iter().map(|&name| Ok(name.into())).collect::<Vec<_>>());
    Ok((folder, said))
}

#[test]
fn a_machine_of_a_script_that_panics_leaves_itself_and_a_backtrace() -> Result {
    let (_, end) = play("$ scripts/run.sh --append panic=yes\nnever printed\n")?;
    assert!(end.starts_with("FILE:2: the kernel panicked, waiting for `never printed`"), "{end}");
    let (_, backtrace) = end.split_once("\nbacktrace:\n").ok_or_else(|| end.clone())?;
    assert!(backtrace.contains("panic::panic") && backtrace.contains("launcher_task"), "{end}");
    let by_hand = end.lines().find_map(|line| line.strip_prefix("by hand:    scripts/run.sh "));
    assert!(by_hand.is_some_and(|options| options.ends_with("--append panic=yes")), "{end}");
    let (_, said) = leaves_the_machine(&end, &["shell.elf"])?;
    assert!(said.contains("[kernel] panic: "), "{said}");
    Ok(())
}

#[test]
fn a_triple_fault_of_a_script_s_machine_is_seen_past_the_gdb_that_is_there() -> Result {
    let overwrite = "gdb.selected_inferior().write_memory(\
                     int(gdb.parse_and_eval('&orbital_arch::x86_64::idt::IDT')), bytes(4096))";
    let (_, end) = play(&format!(
        "$ scripts/run.sh --append shells=1\n[1] orbital> echo so\nso\n\
         (gdb) python {overwrite}\n(gdb) continue\n!send x\nnever printed\n"
    ))?;
    assert!(end.starts_with("FILE:7: the machine was reset (triple fault)"), "{end}");
    let (_, backtrace) = end.split_once("\nbacktrace:\n").ok_or_else(|| end.clone())?;
    assert!(backtrace.contains("kernel_main"), "{end}");
    Ok(())
}

#[test]
fn a_line_for_gdb_that_is_wrong_leaves_the_machine_too() -> Result {
    let (_, end) = play(
        "$ scripts/run.sh --append 'run=hello poweroff=yes' --wait-gdb\n\
         (gdb) print 40 + 2\n= 43\n",
    )?;
    assert!(end.starts_with("FILE:3: gdb's prompt is there, waiting for `= 43`"), "{end}");
    assert!(end.contains("seen last in gdb:") && end.contains("$1 = 42"), "{end}");
    let (_, said) = leaves_the_machine(&end, &["hello.elf", "shell.elf"])?;
    assert!(said.contains("(hello) exited: 0"), "{said}");
    Ok(())
}

#[test]
fn a_recording_that_a_script_makes_is_left_when_a_line_is_wrong() -> Result {
    let (_, end) = play(
        "$ scripts/run.sh --record run --append 'run=hello poweroff=yes'\n(hello) exited: 1\n",
    )?;
    assert!(end.starts_with("FILE:2: "), "{end}");
    let (folder, said) = leaves_the_machine(&end, &["hello.elf", "shell.elf"])?;
    assert!(folder.join("replay.bin").exists(), "the log is missing in {}", folder.display());
    assert!(said.contains("(hello) exited: 0"), "{said}");
    Ok(())
}

#[test]
fn a_machine_in_bochs_leaves_what_starts_it_there_and_in_qemu() -> Result {
    let mut machine = Machine::builder().run("hello").memory_mib(32).bochs().boot()?;
    let failure = machine.expect("never printed").expect_err("hello ends").to_string();
    let (folder, said) = leaves_the_machine(&failure, &["hello.elf", "shell.elf"])?;
    assert!(said.contains("(hello) exited: 0"), "{said}");
    let by_hand = format!("scripts/run.sh --replay {} --bochs", folder.display());
    assert!(failure.contains(&format!("by hand:    {by_hand}\n")), "{failure}");
    let mut again = Command::new("sh");
    let again = again.arg("-c").arg(by_hand).current_dir(workspace()).stdin(Stdio::null());
    let said = String::from_utf8_lossy(&again.output()?.stdout).into_owned();
    let memory = machine.transcript().lines().find(|line| line.contains("memory: "));
    assert!(said.contains(memory.ok_or("it says how much memory there is")?), "{said}");
    Ok(())
}

/// Run as a process of its own by the test below.
#[test]
#[ignore = "a helper: fails by a panic of its own, beside a machine"]
fn panic_beside_a_machine() {
    let _machine = Machine::builder().warm().expect("it starts");
    panic!("what the test says itself");
}

#[test]
fn a_test_that_panics_leaves_the_machine() -> Result {
    let mut test = Command::new(std::env::current_exe()?);
    test.args(["--exact", "evidence::panic_beside_a_machine", "--ignored"]);
    let said = String::from_utf8_lossy(&test.output()?.stdout).into_owned();
    assert!(said.contains("what the test says itself"), "{said}");
    assert!(said.contains("orbital> ") && said.contains("\nby hand:    scripts/run.sh"), "{said}");
    let command = said.lines().find(|line| line.starts_with("in gdb:     scripts/run.sh --replay"));
    assert!(command.is_some(), "{said}");
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
        .arg(socket())
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
