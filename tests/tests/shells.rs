//! The shells: commands, line editing, focus, and how many of them there are.

use std::time::Duration;

use orbital_abi::records::CODE_FAULTED;
use orbital_tests::{Machine, Pattern, Result, exit};

/// The key that gives the next shell the focus.
const NEXT_SHELL: &str = "\x0f";

/// Moves the focus once and waits for the prompt of the shell that has it now: its pid.
fn next_shell(machine: &mut Machine) -> Result<u64> {
    machine.send(NEXT_SHELL)?;
    focused(machine)
}

/// The shell at the prompt is the one with that pid. Others may still greet while it answers.
fn answers(machine: &mut Machine, pid: u64) -> Result {
    machine.enter("pid")?;
    machine.expect_line(&format!("pid {pid}"))?;
    machine.prompt()?;
    Ok(())
}

/// Waits until the focus has moved: the pid of the shell that has it now.
fn focused(machine: &mut Machine) -> Result<u64> {
    let line = machine.expect_line("[kernel] focus: pid {} (Ctrl-O moves it)")?;
    let prompt = machine.prompt()?;
    assert_eq!(prompt, format!("[{}] orbital> ", &line[0]));
    Ok(line.number(0).ok_or("a pid is a number")?)
}

#[test]
fn each_shell_lists_all_processes() -> Result {
    let mut machine = Machine::builder().warm()?;
    for pid in 1..=3 {
        let table = machine.command("ps")?;
        for (shell, name) in
            [(1, "orbital-shell-0"), (2, "orbital-shell-1"), (3, "orbital-shell-2")]
        {
            let state = if shell == pid { "Running" } else { "Blocked" };
            let row = table.lines().find(|line| line.contains(name));
            let row = row.ok_or_else(|| format!("no {name} in\n{table}"))?;
            let first = row.split_whitespace().next();
            assert_eq!(first, Some(shell.to_string().as_str()), "{table}");
            assert!(row.contains(state), "{name} is not {state} in\n{table}");
        }
        answers(&mut machine, pid)?;
        next_shell(&mut machine)?;
    }
    Ok(())
}

#[test]
fn the_focus_goes_round() -> Result {
    let mut machine = Machine::builder().warm()?;
    for pid in [2, 3, 1, 2] {
        assert_eq!(next_shell(&mut machine)?, pid);
        answers(&mut machine, pid)?;
    }
    Ok(())
}

#[test]
fn keys_of_the_keyboard_reach_the_shell_too() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.prompt()?;
    for key in ["e", "c", "h", "o", "spc", "shift-o", "k", "minus", "1", "ret"] {
        machine.monitor(&format!("sendkey {key} 20"))?;
        machine.run_for(Duration::from_millis(60))?;
    }
    machine.expect_line("Ok-1")?;
    machine.prompt()?;
    machine.monitor("sendkey alt-tab 20")?;
    assert_eq!(focused(&mut machine)?, 2);
    Ok(())
}

#[test]
fn keys_edit_the_line() -> Result {
    let mut machine = Machine::builder().warm()?;
    for (keys, answer) in [
        ("ecko\x08\x08ho back\r", "back"),
        ("ecko\x7f\x7fho rubbed\r", "rubbed"),
        ("nonsense\x15echo cleared\r", "cleared"),
        ("\x08\x08\x7fecho nothing to take back\r", "nothing to take back"),
    ] {
        machine.prompt()?;
        machine.refuse("unknown command")?;
        machine.send(keys)?;
        machine.expect_line(answer)?;
    }
    Ok(())
}

#[test]
fn control_c_drops_the_line() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.prompt()?;
    machine.send("nonsense\x03")?;
    machine.expect("nonsense")?;
    machine.refuse("unknown command")?;
    assert_eq!(machine.command("echo afresh")?, "afresh\n");
    Ok(())
}

#[test]
fn control_d_ends_the_shell_and_another_takes_over() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.prompt()?;
    machine.send("\x04")?;
    machine.expect("[kernel] pid 1 (orbital-shell-0) exited: 0")?;
    assert_eq!(focused(&mut machine)?, 2);
    assert_eq!(machine.command("echo on we go")?, "on we go\n");
    Ok(())
}

#[test]
fn an_unknown_command_is_said_to_be_one() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.enter("frobnicate 1 2")?;
    machine.expect_line("unknown command: frobnicate (try help)")?;
    machine.prompt().map(drop)
}

#[test]
fn help_names_every_command() -> Result {
    let mut machine = Machine::builder().warm()?;
    let help = machine.command("help")?;
    let commands = ["help", "echo", "pid", "uptime", "ps", "clear", "run", "wait", "exit"];
    for command in commands {
        let listed = help.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command} is missing in\n{help}");
    }
    Ok(())
}

#[test]
fn programs_run_from_the_shell_and_their_ends_are_told() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.enter("hello from here")?;
    machine.expect_line("from here")?;
    machine.enter("exitcode 7")?;
    machine.expect_line("exitcode (pid {}) ended with code 7")?;
    machine.enter("crash ud2")?;
    let invalid_opcode = CODE_FAULTED + 6;
    machine.expect_line(&format!("crash (pid {{}}) ended with code {invalid_opcode}"))?;
    machine.enter("hello in the background &")?;
    let pid = machine.expect_line("started hello, pid {}")?;
    machine.enter(&format!("wait {}", &pid[0]))?;
    machine.expect_line(&format!("pid {} ended with code 0", &pid[0]))?;
    Ok(())
}

#[test]
fn run_lets_the_ready_tasks_run() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.enter("run")?;
    machine.expect_line("ran {} task{}")?;
    Ok(())
}

#[test]
fn trace_lists_every_switch_once_when_more_are_asked_for() -> Result {
    let mut machine = Machine::builder().warm()?;
    let list = machine.command("trace 100000")?;
    let number = |line: &str| line.split_whitespace().next()?.parse::<usize>().ok();
    let numbers: Vec<_> = list.lines().skip(1).map(number).collect();
    assert!(numbers.len() > 3, "{list}");
    assert!(numbers.iter().enumerate().all(|(at, &number)| number == Some(at)), "{list}");
    Ok(())
}

#[test]
fn waiting_for_nobody_is_an_error_and_not_the_end() -> Result {
    let mut machine = Machine::builder().warm()?;
    for pid in ["99", "0", "1"] {
        let answer = machine.command(&format!("wait {pid}"))?;
        assert!(Pattern::new("wait: {}").find(&answer).is_some(), "{answer}");
    }
    assert_eq!(machine.command("wait")?, "usage: wait PID\n");
    Ok(())
}

#[test]
fn clear_empties_the_terminal_by_its_own_codes() -> Result {
    let mut machine = Machine::builder().warm()?;
    machine.command("clear")?;
    assert_eq!(machine.command("echo clean")?, "clean\n");
    assert!(machine.raw()?.windows(4).any(|codes| codes == b"\x1b[2J"));
    Ok(())
}

#[test]
fn zero_shells_is_a_kernel_that_idles() -> Result {
    let mut machine = Machine::builder().cmdline("shells=0").boot()?;
    machine.expect_line("[launcher] Spawned 0 processes, total this session: 0")?;
    machine.refuse("orbital>")?;
    machine.run_for(Duration::from_secs(1))
}

#[test]
fn one_shell_may_end_and_with_it_the_machine() -> Result {
    for (command, code) in [("exit", exit::SUCCESS), ("exit 3", exit::PROGRAM_FAILED)] {
        let mut machine = Machine::builder().cmdline("shells=1 poweroff=yes").boot()?;
        machine.expect_line("[launcher] Spawned process orbital-shell-0: PID 1")?;
        machine.enter(command)?;
        machine.expect("[kernel] pid 1 (orbital-shell-0) exited: ")?;
        machine.expect_exit(code)?;
    }
    Ok(())
}

#[test]
fn sixty_four_shells_all_answer() -> Result {
    let mut machine = Machine::builder().cmdline("shells=64").boot()?;
    machine.expect_line("[launcher] Spawned process orbital-shell-63: PID 64")?;
    machine.expect_line("[launcher] Spawned 64 processes, total this session: 64")?;
    let table = machine.command("ps")?;
    assert_eq!(table.matches("orbital-shell-").count(), 64, "{table}");
    for pid in (1..=64).chain([1]) {
        answers(&mut machine, pid)?;
        next_shell(&mut machine)?;
    }
    Ok(())
}
