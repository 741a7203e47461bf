//! Programs that crash in every way there is, beside others that must not notice.

use std::collections::BTreeSet;

use orbital_tests::{Builder, Pattern, Result, exit};

/// The survivor that runs beside programs that crash.
const SURVIVOR: &str = "registers 200 99";

/// Every fault that ring 3 can cause on this kernel.
const FAULTS: [&str; 9] = [
    "breakpoint",
    "debug",
    "divide-error",
    "general-protection",
    "invalid-opcode",
    "page-fault",
    "simd-floating-point",
    "stack-segment",
    "x87-floating-point",
];

/// A way to crash, and the fault it ends with: `a|b` where CPUs differ.
pub(crate) type Kind = (String, String);

/// All of them, as the program lists them.
pub(crate) fn kinds(machine: Builder) -> Result<Vec<Kind>> {
    let mut machine = machine.run("crash list").boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let words = |line: &str| {
        let mut words = line.split_whitespace().rev();
        let (faults, kind) = (words.next()?, words.next()?);
        let known = faults.split('|').all(|fault| FAULTS.contains(&fault));
        known.then(|| (kind.to_owned(), faults.to_owned()))
    };
    let kinds: Vec<_> = machine.transcript().lines().filter_map(words).collect();
    let seen: BTreeSet<_> = kinds.iter().flat_map(|(_, faults)| faults.split('|')).collect();
    assert_eq!(seen, BTreeSet::from(FAULTS), "the program knows them all");
    Ok(kinds)
}

/// Runs these on one machine: each ends by its fault, unless it `survives`, and the others go on.
pub(crate) fn side_by_side(
    machine: Builder,
    kinds: &[Kind],
    survives: impl Fn(&str) -> bool,
) -> Result {
    let mut programs = vec![SURVIVOR.to_owned()];
    programs.extend(kinds.iter().map(|(kind, _)| format!("crash {kind}")));
    programs.push(SURVIVOR.to_owned());
    let mut machine = machine.run(&programs.join(";")).boot()?;
    machine.expect_exit(exit::PROGRAM_FAILED)?;
    let text = machine.transcript();
    assert_eq!(text.matches("(registers) exited: 0").count(), 2, "{text}");
    for (pid, (kind, faults)) in (2..).zip(kinds) {
        let told = |end: &str| {
            let line = format!("[kernel] pid {pid} (crash) {end}{{}}");
            Pattern::new(&line).find_line(text).is_some()
        };
        let killed = faults.split('|').any(|fault| match fault {
            "page-fault" => told("killed: page-fault addr="),
            _ => told(&format!("killed: {fault} rip=")),
        });
        let spared = survives(kind) && told("exited: ");
        assert!(killed || spared, "{kind} is not killed by {faults}:\n{text}");
    }
    Ok(())
}
