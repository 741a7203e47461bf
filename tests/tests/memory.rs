//! Memory: how little is enough, what processes cost, and what happens when there is no more.

use orbital_tests::{Machine, Pattern, Profile, Result, exit};

/// Less than 18 MiB does not start the boot loader: it copies the kernel to the 16 MiB mark.
#[test]
fn machines_of_18_to_256_mib_boot_to_three_shells() -> Result {
    for mib in [18, 20, 24, 32, 64, 256] {
        let mut machine = Machine::builder().memory_mib(mib).boot()?;
        let table = machine.command("ps")?;
        assert_eq!(table.matches("orbital-shell-").count(), 3, "{mib} MiB:\n{table}");
        assert_eq!(machine.command("hello there")?.matches("there").count(), 1, "{mib} MiB");
    }
    Ok(())
}

/// The most the kernel may keep for a process that does nothing: page tables and kernel stack.
const KERNEL_BYTES: u64 = 32 << 10;

#[test]
fn many_processes_are_alive_at_once_and_each_costs_little() -> Result {
    for (mib, count) in [(128, 256), (256, 1024)] {
        let cmdline = format!("run=\"hog processes {count}\" poweroff=yes quiet=yes");
        let mut machine = Machine::builder().memory_mib(mib).cmdline(cmdline).boot()?;
        machine.expect_line(&format!("hog: {count} processes, {{}} tasks of {{}}"))?;
        let cost = machine.expect_line("hog: each {} bytes: {} its own, {} of the kernel")?;
        let [all, own, kernel] = [0, 1, 2].map(|index| cost.number(index));
        assert!(kernel.is_some_and(|bytes| bytes <= KERNEL_BYTES), "{cost:?}");
        assert!(all <= own.zip(kernel).map(|(own, kernel)| own + kernel), "{cost:?}");
        machine.expect_line("[kernel] leak check: frames 0, heap bytes 0, processes 0")?;
        machine.expect_exit(exit::SUCCESS)?;
    }
    Ok(())
}

#[test]
fn the_first_shell_goes_on_when_others_have_taken_all_there_is() -> Result {
    let mut machine = Machine::builder()
        .memory_mib(32)
        .cmdline("sched=round-robin quantum=1ms quiet=yes")
        .boot()?;
    let mut hogs = Vec::new();
    for hog in ["hog pages", "hog tasks"] {
        let answer = machine.command(&format!("{hog} &"))?;
        let (_, started) = Pattern::new("started {}, pid {}").find(&answer).ok_or(answer)?;
        hogs.push(started.number(1).ok_or("a pid is a number")?);
    }
    machine.command("storm 12 &")?;
    machine.expect("[kernel] storm refused: {}")?;
    assert!(machine.command("ps")?.contains("orbital-shell-2"));
    assert!(machine.command("spawn hello still there")?.contains("still there\n"));
    for pid in hogs {
        assert_eq!(machine.command(&format!("kill {pid}"))?.matches("kill:").count(), 0);
        machine.command(&format!("wait {pid}"))?;
    }
    assert!(machine.command("hello and on")?.contains("and on\n"));
    Ok(())
}

#[test]
fn limits_are_those_of_the_command_line() -> Result {
    let limits = "limit-pages=100 limit-children=3";
    let programs = "run=\"mapper limit; hog processes 4; crash stack-overflow\" poweroff=yes";
    let mut machine = Machine::builder().cmdline(format!("{limits} {programs}")).boot()?;
    machine.expect_all(&[
        "mapper: 64 pages, then 64 pages",
        "[kernel] hog refused: too many children",
        "(crash) killed: out-of-memory addr={} rip={}",
    ])?;
    machine.expect_line("[kernel] leak check: frames 0, heap bytes 0, processes 0")?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn every_allocation_of_every_call_may_fail_and_nothing_is_lost() -> Result {
    let cmdline = "run=scarce poweroff=yes fail=calls quiet=yes";
    for (cpu, profile) in [("max", Profile::Release), ("qemu64", Profile::Debug)] {
        let builder = Machine::builder().cpu(cpu).profile(profile);
        let mut machine = builder.cmdline(cmdline).boot()?;
        for operation in ["spawn of a known program", "map of 600 pages", "task_create"] {
            machine.expect_line(&format!("scarce: {operation}: {{}} allocations"))?;
        }
        machine.expect_line("[kernel] leak check: frames 0, heap bytes 0, processes 0")?;
        machine.expect_exit(exit::SUCCESS)?;
    }
    Ok(())
}
