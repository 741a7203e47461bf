//! `run=`: programs in place of shells, their ends, and what QEMU's exit code says about them.

use orbital_tests::{Machine, Result, exit};

/// Runs programs to their end; the whole transcript.
fn output(programs: &str, code: i32) -> Result<String> {
    let mut machine = Machine::builder().run(programs).boot()?;
    machine.expect_exit(code)?;
    Ok(machine.transcript().to_owned())
}

/// Which of `words` each line ends with, for those that end with one.
fn order<'a>(text: &str, words: [&'a str; 2]) -> Vec<&'a str> {
    let word = |line: &str| words.into_iter().find(|word| line.trim_end().ends_with(word));
    text.lines().filter_map(word).collect()
}

#[test]
fn two_programs_that_yield_take_strict_turns() -> Result {
    let line = "run=\"say hello 10; say world 10\" sched=cooperative poweroff=yes";
    let mut machine = Machine::builder().cmdline(line).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    let turns: Vec<_> = ["hello", "world"].into_iter().cycle().take(20).collect();
    assert_eq!(order(text, ["hello", "world"]), turns, "{text}");
    Ok(())
}

#[test]
fn each_start_and_each_end_is_a_line() -> Result {
    let mut machine = Machine::builder().run("hello; exitcode 7").boot()?;
    machine.expect_all(&["[kernel] pid 1 (hello) started", "[kernel] pid 2 (exitcode) started"])?;
    machine
        .expect_all(&["[kernel] pid 1 (hello) exited: 0", "[kernel] pid 2 (exitcode) exited: 7"])?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn the_machine_ends_well_only_if_every_program_did() -> Result {
    output("hello; hello", exit::SUCCESS)?;
    output("hello; exitcode 1; hello", exit::PROGRAM_FAILED)?;
    output("exitcode -1", exit::PROGRAM_FAILED)?;
    output("hello; crash read-null", exit::PROGRAM_FAILED)?;
    Ok(())
}

#[test]
fn an_unknown_program_counts_as_failed_and_the_others_start() -> Result {
    let mut machine = Machine::builder().run("hello one; nosuch; hello two").boot()?;
    machine.expect_line("[kernel] nosuch refused: {}")?;
    machine.expect_all(&["(hello) exited: 0", "one", "two"])?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn the_same_program_may_run_many_times() -> Result {
    let text = output("hello same; hello same; hello same", exit::SUCCESS)?;
    assert_eq!(text.matches("(hello) exited: 0").count(), 3, "{text}");
    Ok(())
}

#[test]
fn without_poweroff_the_machine_stays_when_all_have_ended() -> Result {
    let mut machine = Machine::builder().cmdline("run=hello").boot()?;
    machine.expect("(hello) exited: 0")?;
    machine.run_for(std::time::Duration::from_secs(1))
}

#[test]
fn a_command_line_of_4096_bytes_starts_64_programs() -> Result {
    let line = |filler: usize| {
        let program = |number: usize| format!("hello {number:02} {}", "x".repeat(40));
        let programs: Vec<_> = (0..64).map(program).collect();
        let text = format!("run=\"{}\" poweroff=yes", programs.join(";"));
        text + &" ".repeat(filler)
    };
    let cmdline = line(4096 - line(0).len());
    assert_eq!(cmdline.len(), 4096);
    let mut machine = Machine::builder().cmdline(cmdline).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    for number in 0..64 {
        assert!(text.contains(&format!("{number:02} xxxx")), "program {number} is missing");
    }
    assert_eq!(text.matches("(hello) exited: 0").count(), 64);
    Ok(())
}

#[test]
fn a_program_starts_clean_with_the_arguments_that_were_written() -> Result {
    let mut machine = Machine::builder().run("registers 50 7; args one  two 3").boot()?;
    let lines = ["argc 4", "argv[0] args", "argv[1] one", "argv[2] two", "argv[3] 3"];
    machine.expect_all(&lines)?;
    machine.expect("(args) exited: 0")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn lines_of_programs_without_the_focus_are_marked_with_their_pid() -> Result {
    let line = "run=\"say mine 3; say other 3\" sched=cooperative";
    let mut machine = Machine::builder().cmdline(format!("{line} poweroff=yes")).boot()?;
    for _ in 0..3 {
        machine.expect_line("mine")?;
        machine.expect_line("[pid 2] other")?;
    }
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn nothing_is_lost_when_the_machine_is_switched_off() -> Result {
    let mut machine = Machine::builder().run("hello; crash ud2; tasks; shell").boot()?;
    machine.enter("exit")?;
    machine.expect_line("[kernel] leak check: frames 0, heap bytes 0, processes 0")?;
    machine.expect_line("[kernel] power off")?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}

#[test]
fn unknown_keys_and_bad_values_are_one_warning_each() -> Result {
    let mut machine =
        Machine::builder().cmdline("colour=red shells=65 poweroff=maybe quiet").boot()?;
    machine.expect_all(&[
        "unknown key \"colour\"",
        "bad value for shells: \"65\", keeping 3",
        "bad value for poweroff: \"maybe\", keeping no",
        "not KEY=VALUE: \"quiet\"",
    ])?;
    machine.expect_line("[launcher] Spawned 3 processes, total this session: 3")?;
    machine.prompt()?;
    let text = machine.transcript();
    for part in ["\"colour\"", "\"65\"", "\"maybe\"", "\"quiet\""] {
        assert_eq!(text.matches(part).count(), 1, "{part}");
    }
    Ok(())
}

#[test]
fn any_elf_file_can_be_added_under_any_name() -> Result {
    let hello = orbital_tests::program("hello")?;
    let mut machine = Machine::builder().program(hello, "greet").run("greet from a file").boot()?;
    machine.expect_line("from a file")?;
    machine.expect("(greet) exited: 0")?;
    machine.expect_exit(exit::SUCCESS)
}

#[test]
fn a_file_that_is_no_program_is_refused_and_the_others_run() -> Result {
    let text = orbital_tests::workspace().join("Cargo.toml");
    let mut machine = Machine::builder().program(text, "junk").run("junk; hello").boot()?;
    machine.expect_all(&["[kernel] junk refused: {}", "(hello) exited: 0"])?;
    machine.expect_exit(exit::PROGRAM_FAILED)
}
