//! Words that make no sense: each is answered by one line that says so, and sets nothing.

use orbital_tests::{Debugger, Result};

use crate::{at_the_end_of_boot, folder, machine};

/// What is typed, and what gdb answers.
const ANSWERS: [(&str, &str); 10] = [
    ("orbital nonsense", "no command 'nonsense' (help orbital lists them)"),
    ("orbital bt x", "a pid is a number, not 'x'"),
    ("orbital bt 99999999999999999999", "no task has pid 99999999999999999999"),
    ("orbital switches ²", "how many is a number or `all`, not '²'"),
    ("orbital break-switch -1", "a pid is a number or `any`, not '-1'"),
    ("orbital break-switch 99999999999999999999", "no task can have pid 99999999999999999999"),
    ("orbital timeline \"\"", "usage: orbital timeline FILE"),
    ("orbital timeline /nowhere/x", "cannot write /nowhere/x: No such file or directory"),
    ("print $orbital_pid(1)", "$orbital_pid() takes no argument"),
    ("info breakpoints", "No breakpoints or watchpoints."),
];

fn are_answered(gdb: &mut Debugger) -> Result {
    for (command, answer) in ANSWERS {
        let said = gdb.command(command)?;
        let all = said.trim_end();
        assert!(all.contains(answer) && !all.contains("Exception"), "{command}: {said}");
        assert_eq!(all.lines().count(), 1, "{command}: {said}");
    }
    let registers = gdb.command("orbital regs 0")?;
    assert!(!registers.contains("selectors"), "a place is no register: {registers}");
    Ok(())
}

#[test]
fn are_answered_by_a_line_and_set_nothing() -> Result {
    let machine = machine("run=\"say hello 1\"")?;
    let mut gdb = at_the_end_of_boot(&machine, &["--plain"])?;
    are_answered(&mut gdb)?;
    // The kernel has a function of that name as well, and another program none.
    let said = gdb.command("orbital break say say::main")?;
    assert_eq!(said.matches("Breakpoint").count(), 1, "{said}");
    assert!(said.contains("Breakpoint 2 at 0x4"), "{said}");
    gdb.command("delete")?;
    let said = gdb.command("orbital break say kernel_main")?;
    assert_eq!(said.trim_end(), "nothing in say is called kernel_main");
    Ok(())
}

#[test]
fn are_answered_by_a_line_where_tasks_are_inferiors() -> Result {
    let machine = machine("run=\"say hello 1\"")?;
    let mut gdb = at_the_end_of_boot(&machine, &[])?;
    are_answered(&mut gdb)?;
    let said = gdb.command("orbital break say main")?;
    assert!(said.starts_with("every process is an inferior here"), "{said}");
    // A folder that is named as a shell would name it.
    let folder = folder("words")?;
    let said = gdb.command(&format!("python os.environ['HOME'] = '{}'", folder.display()))?;
    assert_eq!(said, "");
    let said = gdb.command("orbital timeline ~/a.json")?;
    assert!(folder.join("a.json").is_file(), "{said}");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
