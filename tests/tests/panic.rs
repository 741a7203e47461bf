//! A kernel panic says what, where and who ran before, and leaves QEMU with a code that nobody takes
//! for success. One that no test asked for fails it with a backtrace, as a triple fault does.

use orbital_tests::{Machine, Result, exit};

#[test]
fn a_panic_names_message_place_and_callers_and_ends_qemu() -> Result {
    let mut machine = Machine::builder().cmdline("panic=yes").may_panic().boot()?;
    machine.expect("[kernel] panic")?;
    machine.expect(".rs:")?;
    let mut callers = 0;
    while !machine.expect_line("[kernel] {}")?[0].starts_with("last switches") {
        callers += 1;
    }
    // The trace goes on through the library that panics, up to the task; its heading is a line, too.
    assert!(callers > 5, "{}", machine.transcript());
    machine.expect_exit(exit::PANIC)
}

#[test]
fn a_panic_nobody_asked_for_fails_the_step_with_a_backtrace() -> Result {
    let mut machine = Machine::builder().cmdline("panic=yes").boot()?;
    let failure = machine.prompt().expect_err("the kernel panics").to_string();
    assert!(failure.contains("the kernel panicked"), "{failure}");
    assert!(failure.contains("backtrace:"), "{failure}");
    assert!(failure.contains("launcher_task"), "{failure}");
    Ok(())
}

/// The command with which gdb writes `bytes` (Python) over what `symbol` names.
fn overwrite(symbol: &str, bytes: &str) -> String {
    let address = format!("int(gdb.parse_and_eval('&{symbol}'))");
    format!("python gdb.selected_inferior().write_memory({address}, {bytes})")
}

#[test]
fn a_panic_shows_the_last_64_switches() -> Result {
    let mut machine = Machine::builder().may_panic().warm()?;
    // `ud2` where every process comes by when it ends.
    machine.gdb(&[&overwrite("orbital_kernel::debug::orbital_debug_exited", r"b'\x0f\x0b'")])?;
    machine.enter("pingpong 40")?;
    machine.expect("[kernel] panic: panicked at {}")?;
    machine.expect_line("[kernel] last switches (microseconds since boot):")?;
    let mut last = None;
    for _ in 0..64 {
        let line = machine.expect_line("[kernel]   #{} {} pid {} -> {} {} at 0x{}")?;
        let (number, from, to) = (line.number(0), line.number(2), line.number(3));
        if let Some((before, who)) = last {
            assert_eq!((number, from), (Some(before + 1), Some(who)), "{}", machine.transcript());
        }
        last = number.zip(to);
    }
    machine.refuse("[kernel]   #")?;
    machine.expect_exit(exit::PANIC)
}

#[test]
fn a_triple_fault_fails_the_step_with_a_backtrace() -> Result {
    let mut machine = Machine::builder().warm()?;
    // Without an interrupt table the next interrupt is the CPU's last.
    machine.gdb(&[&overwrite("orbital_arch::x86_64::idt::IDT", "bytes(4096)")])?;
    machine.send("x")?;
    let failure = machine.expect("never printed").expect_err("it is reset").to_string();
    assert!(failure.contains("triple fault"), "{failure}");
    assert!(failure.contains("backtrace:"), "{failure}");
    assert!(failure.contains("kernel_main"), "{failure}");
    Ok(())
}

#[test]
fn a_kernel_stack_that_overflows_is_reported_from_another_stack() -> Result {
    let mut machine = Machine::builder().may_panic().warm()?;
    // A function that calls itself, for ever, where every process comes by when it ends.
    let recursion = r"b'\xe8\xfb\xff\xff\xff'";
    machine.gdb(&[&overwrite("orbital_kernel::debug::orbital_debug_exited", recursion)])?;
    machine.enter("hello")?;
    machine.expect("[kernel] panic: panicked at {}")?;
    machine.expect("exception 8 in the kernel")?;
    machine.expect_exit(exit::PANIC)
}
