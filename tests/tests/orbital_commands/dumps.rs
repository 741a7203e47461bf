//! The same commands say the same of a machine that stands still and of a dump of it, with QEMU's
//! stub and with every task an inferior.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::thread;
use std::time::Duration;

use orbital_tests::{Debugger, Machine, Result};
use serde_json::json;

use crate::{at_the_end_of_boot, folder, goes_on_to, machine};

/// Two that come to where they yield, and stay there.
const STAYING: &str = "inferior 1 2000 1; inferior 2 2000 1";

/// Goes on until these two have come there.
fn until_they_stay(gdb: &mut Debugger) -> Result {
    gdb.command("orbital break inferior inferior::pause")?;
    goes_on_to(gdb, "Breakpoint {}, ")?;
    goes_on_to(gdb, "Breakpoint {}, ")?;
    gdb.command("delete").map(drop)
}

/// What all commands print, each after itself; of tasks those with `pids`.
fn story(mut gdb: Debugger, name: &str, pids: &[&str]) -> Result<String> {
    let timeline = folder(name)?.join("timeline");
    let mut story = String::new();
    let mut tell = |command: &str| -> Result {
        story += &format!("(gdb) {command}\n{}", gdb.command(command)?);
        Ok(())
    };
    for command in ["ps", "policy", "queue", "switches all"] {
        tell(&format!("orbital {command}"))?;
    }
    for pid in pids {
        tell(&format!("orbital regs {pid}"))?;
        tell(&format!("orbital bt {pid}"))?;
    }
    tell("print $orbital_pid()")?;
    tell(&format!("orbital timeline {}", timeline.display()))?;
    story += &fs::read_to_string(&timeline)?;
    Ok(story)
}

/// Looks at a machine that stands still in all ways there are, at `others`, too; what they all say.
fn agree(machine: &mut Machine, name: &str, others: &[&str]) -> Result<String> {
    let pids = [&["0", "1", "2", "2147483647", "999"], others].concat();
    let plain = story(Debugger::attach(machine, &["--plain"])?, name, &pids)?;
    let dump = folder(name)?.join("dump");
    let place = format!("file:{}", dump.display());
    machine.qmp("dump-guest-memory", json!({ "paging": true, "protocol": place }))?;
    let copied_before = copies()?;
    let dumped = story(Debugger::open(&dump)?, name, &pids)?;
    assert_eq!(copies()?, copied_before, "gdb's copy of the dump goes with gdb");
    // The last one: it lets the machine go.
    let inferiors = story(Debugger::attach(machine, &[])?, name, &pids)?;
    fs::remove_dir_all(folder(name)?)?;
    assert!(!plain.contains("wrong symbols"), "{plain}");
    same(&plain, &inferiors);
    same(&plain, &dumped);
    Ok(plain)
}

/// The copies of dumps that lie about.
fn copies() -> Result<BTreeSet<OsString>> {
    let files = fs::read_dir(std::env::temp_dir())?.flatten().map(|entry| entry.file_name());
    Ok(files.filter(|name| name.to_string_lossy().starts_with("orbital-dump-")).collect())
}

/// Fails at the first line that differs.
fn same(left: &str, right: &str) {
    let differ = left.lines().zip(right.lines()).find(|(left, right)| left != right);
    assert_eq!(differ, None, "{left}\n--\n{right}");
    assert_eq!(left, right);
}

#[test]
fn of_a_process_in_a_call() -> Result {
    let mut machine = machine(&format!("run=\"{STAYING}; stress 100000 1\""))?;
    let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
    until_they_stay(&mut gdb)?;
    // Somebody, whoever it is, gives way to one that has never run.
    gdb.command("tbreak orbital_debug_spawned")?;
    goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
    gdb.enter("print $rdi")?;
    let to = gdb.expect("$1 = {}")?[0].to_owned();
    gdb.command(&format!("orbital break-switch any {to}"))?;
    gdb.enter("continue")?;
    let from = gdb.expect(&format!("about to switch: pid {{}} -> pid {to}"))?[0].to_owned();
    drop(gdb);
    let story = agree(&mut machine, "call", &[&from, &to])?;
    assert!(!story.contains("<signal handler called>"), "{story}");
    let row = |start: String| story.lines().find(move |line| line.starts_with(&start));
    assert!(row(format!("*{from:>6} ")).is_some(), "{from} is on the CPU: {story}");
    let next = row(format!("{to:>7} "));
    assert!(next.is_some_and(|row| row.contains(" Running ")), "{to} is next: {story}");
    let switch = format!("orbital_debug_switch (from={from}, to={to})");
    for part in [
        &switch,
        "policy ",
        "inferior::leaf (code=1, round=0)",
        "inferior::leaf (code=2, round=0)",
        "<trap_exit: back to ring 3>",
        "no task has pid 999 (orbital ps lists them)",
    ] {
        assert!(story.contains(part), "{part}:\n{story}");
    }
    Ok(())
}

#[test]
fn of_a_process_in_ring_3_beside_preempted_ones() -> Result {
    let spinners = "run=\"spin; spin; inferior 3 2000\" sched=round-robin quantum=1ms";
    let mut machine = machine(spinners)?;
    let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
    gdb.command("orbital break inferior inferior::hold")?;
    goes_on_to(&mut gdb, "inferior::hold")?;
    drop(gdb);
    let story = agree(&mut machine, "ring-3", &["3"])?;
    for part in [
        "*     3 inferior         Running",
        "on the CPU, in ring 3: info registers shows them",
        "<vector_20: from ring 3>",
        "spin::main (args=...)",
        "$1 = 3",
    ] {
        assert!(story.contains(part), "{part}:\n{story}");
    }
    Ok(())
}

#[test]
fn of_a_kernel_that_panicked() -> Result {
    let mut machine = machine(&format!("run=\"{STAYING}\""))?;
    let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
    until_they_stay(&mut gdb)?;
    gdb.command("tbreak switch_context if $orbital_pid() == 2")?;
    goes_on_to(&mut gdb, "Temporary breakpoint {}, ")?;
    // A bad pointer to the context that is left.
    gdb.command("set $rdi = 0x10")?;
    gdb.command("detach")?;
    drop(gdb);
    while machine.qmp("query-status", json!({}))?["status"] != "guest-panicked" {
        thread::sleep(Duration::from_millis(20));
    }
    let story = agree(&mut machine, "panic", &["3"])?;
    for part in [
        "*     2 inferior         Ready",
        "panicked (",
        "<vector_0e: from ring 0>",
        "inferior::leaf (code=1, round=0)",
        "inferior::leaf (code=2, round=0)",
    ] {
        assert!(story.contains(part), "{part}:\n{story}");
    }
    Ok(())
}
