//! Floods of input and output: nothing is lost but what the kernel says it dropped, no line torn.

use std::time::Duration;

use orbital_tests::{Machine, Pattern, Result, exit};

#[test]
fn what_is_typed_before_the_kernel_is_up_is_read() -> Result {
    let mut machine = Machine::builder().boot()?;
    machine.send("echo early bird\r")?;
    machine.send("exitcode 9\r")?;
    machine.expect_line("[kernel] pid {} (exitcode) exited: 9")?;
    // Whether its echo stands before the shell's first line or behind the prompt is chance.
    let text = machine.transcript();
    let mut shown = text.lines().map(|line| line.trim_start_matches("[1] orbital> "));
    assert!(shown.any(|line| line == "early bird"), "{text}");
    Ok(())
}

#[test]
fn of_a_hundred_kilobytes_pasted_every_line_is_read_or_reported() -> Result {
    let answer = "kept".repeat(30);
    let line = format!("echo {answer}\r");
    let lines = 100 * 1024 / line.len();
    let mut machine = Machine::builder().limit(Duration::from_secs(300)).warm()?;
    machine.prompt()?;
    machine.send(line.repeat(lines).as_str())?;
    // The kernel's lines stand alone, whatever the shell has typed ahead.
    machine.send("exitcode 9\r")?;
    machine.expect_line("[kernel] pid {} (exitcode) exited: 9")?;
    let text = machine.transcript();
    let shown = text.lines().map(|line| line.trim_start_matches("[1] orbital> "));
    let kept = shown.filter(|shown| *shown == answer).count();
    let dropped = Pattern::new("[kernel] input of pid 1: {} bytes dropped");
    let dropped: u64 = text.lines().filter_map(|line| dropped.find(line)?.1.number(0)).sum();
    assert_eq!((kept * line.len()) as u64 + dropped, (lines * line.len()) as u64);
    Ok(())
}

#[test]
fn two_floods_of_output_arrive_whole_and_complete() -> Result {
    const LINES: usize = 3000;
    let (mine, other) = ("mine".repeat(15), "others".repeat(15));
    let programs = format!("say {mine} {LINES}; say {other} {LINES}");
    let mut machine = Machine::builder().run(&programs).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    let said = text.lines().skip_while(|line| !line.contains("(say) started"));
    let said = said.filter(|line| !line.contains("[kernel]") && !line.is_empty());
    let mut counts = [0, 0];
    for line in said {
        // The second loses its mark when the first has ended and left it the focus.
        let line = line.strip_prefix("[pid 2] ").unwrap_or(line);
        let known = [&mine, &other].iter().position(|known| *known == line);
        counts[known.ok_or_else(|| format!("torn: {line:?}"))?] += 1;
    }
    assert_eq!(counts, [LINES, LINES]);
    Ok(())
}
