//! Runs that can be had again: recorded ones with `--record` and `--replay`, any with
//! `--deterministic`.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use orbital_tests::{Result, run_script};

/// A new folder for one test's files, with a short path: sockets lie in it.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = format!("orbital-test-{}-replay-{name}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn run(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = run_script(arguments);
    command.arg("--gdb-socket").arg(socket).args(["--timeout", "300"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// What the machine said of what the script did.
fn said(output: &[u8]) -> Result<&[u8]> {
    let first = b"[kernel] Orbital";
    let start = output.windows(first.len()).position(|window| window == first);
    Ok(&output[start.ok_or("the kernel's first line")?..])
}

/// Reads until `wanted` has appeared once more; everything read.
fn read_until(child: &mut Child, seen: &mut Vec<u8>, wanted: &str) -> Result {
    let from = seen.len();
    let output = child.stdout.as_mut().ok_or("stdout is a pipe")?;
    let mut buffer = [0; 4096];
    while !String::from_utf8_lossy(&seen[from..]).contains(wanted) {
        match output.read(&mut buffer)? {
            0 => Err(format!("the end came before {wanted:?}"))?,
            count => seen.extend(&buffer[..count]),
        }
    }
    Ok(())
}

/// gdb on the stub behind `socket`, when that is there; what it printed.
fn gdb(recording: &Path, socket: &Path, commands: &[&str]) -> Result<String> {
    let mut gdb = Command::new("setpriv");
    gdb.args(["--pdeathsig", "KILL", "--", "gdb", "-q", "-nx", "-batch"]);
    gdb.args(["-ex", "set pagination off", "-ex", "set width 0", "-ex", "set tcp auto-retry on"]);
    gdb.arg("-ex").arg(format!("target remote {}", socket.display()));
    for command in commands {
        gdb.args(["-ex", command]);
    }
    let output = gdb.arg(recording.join("kernel.elf")).stdin(Stdio::null()).output()?;
    // The monitor's answers come by the other way.
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_recording_repeats_every_byte_and_gdb_goes_back_in_it() -> Result {
    let folder = folder("recording")?;
    let (recording, socket) = (folder.join("run"), folder.join("gdb"));
    let directory = recording.to_string_lossy().into_owned();

    let append = "shells=1 poweroff=yes sched=round-robin quantum=1ms";
    let mut first = run(&socket, &["--record", &directory, "--append", append]);
    let mut first = first.stdin(Stdio::piped()).spawn()?;
    let mut keys = first.stdin.take().ok_or("stdin is a pipe")?;
    let mut recorded = Vec::new();
    for line in ["pingpong 3\r", "echo typed\r", "exit\r"] {
        read_until(&mut first, &mut recorded, "orbital> ")?;
        keys.write_all(line.as_bytes())?;
    }
    first.stdout.as_mut().ok_or("stdout is a pipe")?.read_to_end(&mut recorded)?;
    assert_eq!(first.wait()?.code(), Some(0));
    let text = String::from_utf8_lossy(&recorded);
    assert!(text.contains("pong 3") && text.contains("\ntyped"), "{text}");

    let again = run(&socket, &["--replay", &directory]).output()?;
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(said(&again.stdout)?),
        String::from_utf8_lossy(said(&recorded)?)
    );

    let mut machine = run(&socket, &["--replay", &directory, "--wait-gdb"]).spawn()?;
    read_until(&mut machine, &mut Vec::new(), "gdb: ")?;
    while !socket.exists() && machine.try_wait()?.is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let mut commands = vec!["break orbital_arch::x86_64::qemu::exit", "continue"];
    commands.extend(["echo at the end\\n", "reverse-stepi", "reverse-finish"]);
    commands.extend(["watch -l orbital_kernel::sched::TRACE.value.value.count"]);
    commands.extend(["reverse-continue", "backtrace"]);
    commands.extend(["monitor info snapshots", "kill"]);
    let story = gdb(&recording, &socket, &commands)?;
    machine.wait()?;
    let (_, back) = story.split_once("at the end").ok_or_else(|| story.clone())?;
    assert!(back.contains("power_off ()"), "reverse-stepi leaves the last function: {story}");
    let writer = back.split_once("#0 ").ok_or_else(|| story.clone())?.1;
    assert!(writer.contains("kernel/src/sched.rs"), "who recorded the last switch: {story}");
    assert!(story.contains(" up "), "a snapshot was taken once the kernel was up: {story}");
    fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn a_run_whose_output_is_read_slowly_is_recorded_as_well() -> Result {
    let folder = folder("slow")?;
    let (recording, socket) = (folder.join("run"), folder.join("gdb"));
    let directory = recording.to_string_lossy().into_owned();
    let append = format!("run=\"say {} 1000\" poweroff=yes", "flood".repeat(20));
    let mut first = run(&socket, &["--record", &directory, "--append", &append]).spawn()?;
    // More comes than the pipe holds.
    let console = recording.join("console");
    let mut left = 600;
    while !fs::read_to_string(&console).unwrap_or_default().contains("power off") && left > 0 {
        std::thread::sleep(std::time::Duration::from_millis(100));
        left -= 1;
    }
    let mut recorded = Vec::new();
    first.stdout.as_mut().ok_or("stdout is a pipe")?.read_to_end(&mut recorded)?;
    assert_eq!(first.wait()?.code(), Some(0));
    assert_eq!(fs::read(&console)?, said(&recorded)?);
    let again = run(&socket, &["--replay", &directory]).output()?;
    assert_eq!(again.status.code(), Some(0));
    assert!(said(&again.stdout)? == said(&recorded)?, "the same flood");
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// The switches of a record: when, since the first one, and everything else. How long the disk takes
/// while the machine boots is the host's affair.
fn switches(record: &str) -> Vec<(u64, String)> {
    let switches = record.lines().filter_map(|line| line.strip_prefix("switch "));
    let fields = switches.filter_map(|line| {
        let (number, rest) = line.split_once(' ')?;
        let (time, rest) = rest.split_once(' ')?;
        Some((time.parse::<u64>().ok()?, format!("{number} {rest}")))
    });
    let fields: Vec<_> = fields.collect();
    let first = fields.first().map_or(0, |field| field.0);
    fields.into_iter().map(|(time, what)| (time - first, what)).collect()
}

#[test]
fn two_deterministic_runs_make_the_same_switches_preemption_included() -> Result {
    let folder = folder("deterministic")?;
    let append =
        "run=\"pingpong 20; say x 20; say y 20\" poweroff=yes sched=round-robin quantum=10us";
    let mut records = Vec::new();
    for number in 0..2 {
        let record = folder.join(number.to_string());
        let debug_console = format!("file:{}", record.display());
        let arguments = ["--deterministic", "--append", append, "--qemu-arg", "-debugcon"];
        let mut deterministic = run(&folder.join("gdb"), &arguments);
        let output = deterministic.args(["--qemu-arg", &debug_console]).output()?;
        assert_eq!(output.status.code(), Some(0));
        records.push(switches(&fs::read_to_string(record)?));
    }
    let preempted = records[0].iter().filter(|(_, what)| what.contains("slice-used-up")).count();
    assert!(preempted > 10, "{preempted} switches were forced");
    assert_eq!(records[0], records[1]);
    fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn a_folder_with_something_else_in_it_is_not_recorded_into() -> Result {
    let folder = folder("precious")?;
    let precious = folder.join("precious");
    fs::write(&precious, "mine")?;
    let directory = folder.to_string_lossy().into_owned();
    for option in ["--record", "--keep"] {
        let mut run = run(&folder.join("gdb"), &[option, &directory]);
        let output = run.stderr(Stdio::piped()).output()?;
        assert_eq!(output.status.code(), Some(5));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it stays as it is"), "{said}");
        assert_eq!(fs::read_to_string(&precious)?, "mine");
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn what_cannot_be_repeated_is_refused() -> Result {
    for (arguments, about) in [
        (&["--replay", "/nowhere"][..], "there is no run in /nowhere"),
        (&["--replay", "/nowhere", "--append", "shells=1"], "there is no run"),
        (&["--record", "/tmp/x", "--deterministic"], "needs no --deterministic"),
        (&["--record", "/tmp/x", "--keep", "/tmp/y"], "--record keeps the machine, too"),
    ] {
        let output = run_script(arguments).stdin(Stdio::null()).output()?;
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(about), "{said}");
    }
    Ok(())
}
