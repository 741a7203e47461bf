//! A kernel panic says what and where, and leaves QEMU with a code that nobody takes for success.

use orbital_tests::{Machine, Result, exit};

#[test]
fn a_panic_names_message_place_and_callers_and_ends_qemu() -> Result {
    let mut machine = Machine::builder().cmdline("panic=yes").may_panic().boot()?;
    machine.expect("[kernel] panic")?;
    machine.expect(".rs:")?;
    machine.expect("0xffffffff80")?;
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
