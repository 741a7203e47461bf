//! The worked example of `tests/README.md`.

use orbital_tests::{Machine, Result, exit};

#[test]
fn a_program_reports_its_end() -> Result {
    let mut machine = Machine::builder().run("exitcode 7; hello").boot()?; // instead of shells
    let line = machine.expect_line("[kernel] pid {} (exitcode) exited: {}")?;
    assert_eq!(line.number(1), Some(7)); // what stood in the second {}
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn the_shell_answers() -> Result {
    let mut machine = Machine::builder().warm()?; // starts at the prompt, in a tenth of a second
    assert_eq!(machine.command("echo hi")?, "hi\n");
    machine.enter("ps")?;
    machine.expect("orbital-shell-0")?; // fails at once when the prompt is back without it
    Ok(())
}
