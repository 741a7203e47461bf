//! Backtraces without a gap: from wherever the CPU is, a debugger finds its way to a root.
//!
//! A real gdb walks up from very many places; `walk.py` does it inside gdb.

use std::time::Duration;

use orbital_tests::{Debugger, Machine, Result, workspace};

/// Two programs that write, yield, and are preempted.
const LOAD: &str = "run=\"say hello 1000000; say world 1000000\" sched=round-robin quantum=1ms";

/// gdb with `walk.py`, where a machine that runs `cmdline` starts its first program.
fn at_the_first_spawn(cmdline: &str) -> Result<(Machine, Debugger)> {
    let patient = Machine::builder().limit(Duration::from_secs(900));
    let machine = patient.cmdline(cmdline).wait_for_gdb().boot()?;
    let mut gdb = Debugger::attach(&machine, &["--plain"])?;
    let walk = workspace().join("tests/tests/unwinding/walk.py");
    stops_at(&mut gdb, "orbital_debug_spawned")?;
    gdb.command(&format!("source {}", walk.display()))?;
    Ok((machine, gdb))
}

/// Runs a line of Python that reports what it found, and returns how often each root was reached.
fn reports(gdb: &mut Debugger, python: &str, name: &str) -> Result<String> {
    gdb.enter(&format!("python {python}"))?;
    let found = gdb.expect(&format!("{name}: {{}} places, {{}} bad; {{}}"))?;
    let (bad, ends) = (found.number(1), found[2].to_owned());
    let traces = gdb.command("python pass").unwrap_or_default();
    if bad == Some(0) { Ok(ends) } else { Err(format!("{bad:?} bad: {traces}").into()) }
}

fn stops_at(gdb: &mut Debugger, place: &str) -> Result {
    gdb.command("delete")?;
    gdb.command(&format!("tbreak {place}"))?;
    gdb.enter("continue")?;
    gdb.expect("Temporary breakpoint {}, ")?;
    gdb.prompt()
}

#[test]
fn at_every_instruction_from_a_system_call() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "syscall_entry")?;
    reports(&mut gdb, "step(5000, 'system call')", "system call").map(drop)
}

#[test]
fn at_every_instruction_from_a_timer_tick() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "vector_20")?;
    reports(&mut gdb, "step(5000, 'tick')", "tick").map(drop)
}

#[test]
fn at_every_instruction_of_a_yield_through_the_switch() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "switch_context if $orbital_pid() == 1")?;
    let ends = reports(&mut gdb, "step(100, 'switch')", "switch")?;
    assert!(ends.contains("cut in the switch 1"), "once between the page tables and rsp: {ends}");
    Ok(())
}

#[test]
fn in_the_instructions_that_read_the_flags() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "read_rflags")?;
    reports(&mut gdb, "step(4, 'flags')", "flags").map(drop)
}

#[test]
fn at_random_moments_under_load() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    gdb.command("delete")?;
    reports(&mut gdb, "moments(2000, 1)", "random moments").map(drop)
}

#[test]
fn in_a_page_fault_of_a_program() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn("run=\"crash read-null\" poweroff=yes")?;
    stops_at(&mut gdb, "vector_0e")?;
    reports(&mut gdb, "step(300, 'page fault')", "page fault")?;
    let text = gdb.command("bt")?;
    assert!(text.contains("from ring 3"), "{text}");
    Ok(())
}

#[test]
fn in_an_nmi() -> Result {
    let (mut machine, mut gdb) = at_the_first_spawn(LOAD)?;
    gdb.command("delete")?;
    gdb.command("break vector_02")?;
    machine.monitor("nmi")?;
    gdb.enter("continue")?;
    gdb.expect("Breakpoint {}, ")?;
    let text = gdb.command("bt")?;
    assert!(text.contains("<vector_02: from ring"), "{text}");
    reports(&mut gdb, "step(10, 'nmi')", "nmi").map(drop)
}

#[test]
fn in_a_double_fault_on_its_own_stack() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn("run=\"crash read-null\" poweroff=yes")?;
    // Without a gate for page faults the program's becomes a double fault (SDM volume 3A, 6.15).
    gdb.command("monitor info registers")?;
    gdb.command("python import re; r = gdb.execute('monitor info registers', to_string=True)")?;
    gdb.command("python idt = int(re.search(r'IDT= *([0-9a-f]+)', r).group(1), 16)")?;
    gdb.command("python gdb.selected_inferior().write_memory(idt + 14 * 16 + 5, b'\\0')")?;
    stops_at(&mut gdb, "vector_08")?;
    reports(&mut gdb, "step(60, 'double fault')", "double fault")?;
    let text = gdb.command("bt")?;
    assert!(text.contains("<vector_08: from ring 3>") && text.contains("_start ()"), "{text}");
    Ok(())
}

#[test]
fn in_a_page_fault_of_the_kernel_and_in_its_panic() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "switch_context if $orbital_pid() == 1")?;
    gdb.command("set $rdi = 0x10")?;
    stops_at(&mut gdb, "vector_0e")?;
    reports(&mut gdb, "step(200, 'kernel fault')", "kernel fault")?;
    stops_at(&mut gdb, "orbital_arch::x86_64::qemu::panicked")?;
    let text = gdb.command("bt")?;
    let way = ["<vector_0e: from ring 0>", "switch_context", ": from ring 3>", "_start ()"];
    assert!(way.iter().all(|frame| text.contains(frame)), "{text}");
    Ok(())
}
