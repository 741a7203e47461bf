//! Backtraces without a gap: from wherever the CPU is, a debugger finds its way to a root.
//!
//! A real gdb walks up from very many places; `walk.py` does it inside gdb.

use std::fs;
use std::time::Duration;

use orbital_tests::{Builder, Debugger, Machine, Pattern, Profile, Result, workspace};

/// Two programs that write, yield, and are preempted.
const LOAD: &str = "run=\"say hello 1000000; say world 1000000\" sched=round-robin quantum=1ms";

/// gdb with `walk.py`, where a machine that runs `cmdline` starts its first program.
fn at_the_first_spawn(cmdline: &str) -> Result<(Machine, Debugger)> {
    spawning(Machine::builder().cmdline(cmdline))
}

/// The same with a build that is named, running the usual programs.
fn of_build(profile: Profile) -> Builder {
    Machine::builder().profile(profile).cmdline(LOAD)
}

fn spawning(builder: Builder) -> Result<(Machine, Debugger)> {
    let machine = builder.limit(Duration::from_secs(900)).wait_for_gdb().boot()?;
    let mut gdb = Debugger::attach(&machine, &["--plain"])?;
    let walk = workspace().join("tests/tests/unwinding/walk.py");
    stops_at(&mut gdb, "orbital_debug_spawned")?;
    gdb.command(&format!("source {}", walk.display()))?;
    Ok((machine, gdb))
}

/// Runs a line of Python that reports what it found, and returns how often each root was reached.
fn reports(gdb: &mut Debugger, python: &str, name: &str) -> Result<String> {
    let said = gdb.command(&format!("python {python}"))?;
    let line = Pattern::new(&format!("{name}: {{}} places, {{}} bad; {{}}"));
    let found = line.find_line(&said);
    found
        .filter(|(_, found)| found.number(1) == Some(0))
        .map(|(_, found)| found[2].to_owned())
        .ok_or_else(|| said.into())
}

fn stops_at(gdb: &mut Debugger, place: &str) -> Result {
    gdb.command("delete")?;
    gdb.command(&format!("tbreak {place}"))?;
    gdb.enter("continue")?;
    gdb.expect("Temporary breakpoint {}, ")?;
    gdb.prompt()
}

/// Looks at every instruction of 5,000 from where `entry` is come to next.
fn steps_from(entry: &str, profile: Profile) -> Result {
    let (_machine, mut gdb) = spawning(of_build(profile))?;
    stops_at(&mut gdb, entry)?;
    reports(&mut gdb, "step(5000, 'steps')", "steps").map(drop)
}

#[test]
fn at_every_instruction_from_a_system_call() -> Result {
    steps_from("syscall_entry", Profile::Release)
}

#[test]
fn at_every_instruction_from_a_system_call_of_the_debug_build() -> Result {
    steps_from("syscall_entry", Profile::Debug)
}

#[test]
fn at_every_instruction_from_a_timer_tick() -> Result {
    steps_from("vector_20", Profile::Release)
}

#[test]
fn at_every_instruction_from_a_timer_tick_of_the_debug_build() -> Result {
    steps_from("vector_20", Profile::Debug)
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
fn with_the_arguments_that_the_process_has() -> Result {
    // Each gets its own pid for a code.
    let cmdline = "run=\"inferior 1 1000000; inferior 2 1000000\" sched=round-robin quantum=20us";
    for profile in [Profile::Release, Profile::Debug] {
        let (_machine, mut gdb) = spawning(Machine::builder().profile(profile).cmdline(cmdline))?;
        // When the kernel's own tasks have done what there is to do at first.
        gdb.command("delete")?;
        gdb.command("orbital break-switch 2 1")?;
        for _ in 0..10 {
            gdb.enter("continue")?;
            gdb.expect("about to switch: pid 2 -> pid 1")?;
            gdb.prompt()?;
        }
        gdb.command("delete")?;
        let ends = reports(&mut gdb, "step(2000, 'arguments')", "arguments")?;
        let looked_at = Pattern::new("arguments {},").find(&ends);
        let often = looked_at.and_then(|(_, found)| found.number(0)).ok_or_else(|| ends.clone())?;
        assert!(often > 50, "{profile:?}: {often}");
    }
    Ok(())
}

#[test]
fn in_the_instructions_that_read_the_flags() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    stops_at(&mut gdb, "read_rflags")?;
    reports(&mut gdb, "step(4, 'flags')", "flags").map(drop)
}

/// Looks at random moments; the machine is stopped through a monitor of its own.
fn random_moments(count: u32, profile: Profile) -> Result {
    let name = format!("orbital-test-{}-moments-{profile:?}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    let monitor = folder.join("monitor").display().to_string();
    let option = format!("unix:{monitor},server=on,wait=off");
    let builder = of_build(profile).qemu_arg("-monitor").qemu_arg(option);
    let (_machine, mut gdb) = spawning(builder)?;
    gdb.command("delete")?;
    reports(&mut gdb, &format!("moments({count}, 1, '{monitor}')"), "random moments")?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn at_random_moments_under_load() -> Result {
    random_moments(2000, Profile::Release)
}

#[test]
fn at_random_moments_under_load_of_the_debug_build() -> Result {
    random_moments(500, Profile::Debug)
}

#[test]
fn in_a_page_fault_of_a_program() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn("run=\"crash read-null\" poweroff=yes")?;
    stops_at(&mut gdb, "vector_0e")?;
    reports(&mut gdb, "step(240, 'page fault')", "page fault")?;
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

#[test]
fn up_to_a_jump_of_the_kernel_to_where_no_function_is() -> Result {
    let (_machine, mut gdb) = at_the_first_spawn(LOAD)?;
    gdb.command("set $rip = 1")?;
    stops_at(&mut gdb, "vector_0e")?;
    let text = gdb.command("bt")?;
    let last = text.trim_end().lines().last().unwrap_or_default();
    assert!(last.ends_with("<vector_0e: from ring 0, where there is no function> ()"), "{text}");
    Ok(())
}
