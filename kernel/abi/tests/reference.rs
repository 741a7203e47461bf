//! `CALLS.md`, the page of the system calls, says what the table says.

use std::fmt::Write;
use std::path::Path;

use orbital_abi::records::{self, Stats, Switch, System};
use orbital_abi::{Errno, Sysno};

const INTRODUCTION: &str = "\
# System calls

Made from the table in `src/calls.rs`; a test keeps both alike.

The number goes in `rax`, the arguments in `rdi rsi rdx r10 r8 r9`; `syscall`; the result is in
`rax`. `rcx` and `r11` are lost, every other register is kept. A negative result is an error. Each
call that is given a pointer also fails with Error when that memory was promised and cannot be had.
";

/// The page as the table has it.
fn page() -> Result<String, std::fmt::Error> {
    let mut page = String::from(INTRODUCTION);
    page += "\n| number | call | errors | |\n| --- | --- | --- | --- |\n";
    for call in Sysno::ALL {
        let arguments: Vec<_> =
            call.arguments().iter().map(|(name, of)| format!("{name}: {of}")).collect();
        let errors: Vec<_> = call.errors().iter().map(|errno| format!("{errno:?}")).collect();
        let (number, name, arguments) = (call.number(), call.name(), arguments.join(", "));
        let (errors, doc) = (errors.join(", "), call.doc());
        writeln!(page, "| {number} | `{name}({arguments})` | {errors} | {doc} |")?;
    }
    page += "\n## Errors\n\n| result | name | when |\n| --- | --- | --- |\n";
    for errno in Errno::ALL {
        let (code, name, doc) = (errno.code(), errno.name(), errno.doc().trim());
        writeln!(page, "| {code} | {errno:?}: {name} | {doc} |")?;
    }
    page += "\n## How a task ended\n\n| `task_wait` | |\n| --- | --- |\n";
    let (fault, last) = (records::CODE_FAULTED, records::CODE_KILLED - 1);
    writeln!(page, "| any | the code it gave to `exit` |")?;
    writeln!(page, "| {fault} to {last} | a fault: {fault} plus the vector |")?;
    writeln!(page, "| {} | killed |", records::CODE_KILLED)?;
    writeln!(page, "| {} | no memory for a page it touched |", records::CODE_OUT_OF_MEMORY)?;
    page += "\n## Records\n\nWords of 64 bits, in this order.\n";
    for (name, fields) in
        [("Stats", Stats::FIELDS), ("System", System::FIELDS), ("Switch", Switch::FIELDS)]
    {
        writeln!(page, "\n| {name} | |\n| --- | --- |")?;
        for (field, doc) in fields {
            writeln!(page, "| `{field}` | {} |", doc.trim())?;
        }
    }
    Ok(page)
}

#[test]
fn the_page_of_the_calls_is_that_of_the_table() -> Result<(), Box<dyn std::error::Error>> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("CALLS.md");
    let page = page()?;
    if std::fs::read_to_string(&kept).ok().as_ref() != Some(&page) {
        let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join("CALLS.md");
        std::fs::write(&right, page)?;
        panic!("{} is out of date: cp {} {0}", kept.display(), right.display());
    }
    Ok(())
}
