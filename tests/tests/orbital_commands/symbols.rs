//! Symbols of another build than the one that runs are one line of error, wherever they are noticed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use orbital_tests::{Builder, Debugger, Machine, Pattern, Profile, Result, kernel, workspace};
use xmas_elf::ElfFile;

/// Runs the debug build; the symbols below are those of the release build.
fn other_build() -> Builder {
    Machine::builder().profile(Profile::Debug).cmdline("run=\"spin\"")
}

/// Asserts that a program failed with one line of error, and nothing else on standard error.
fn refuses(output: &Output, start: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let line = said.strip_suffix('\n').unwrap_or_default();
    assert!(line.starts_with(start) && line.contains(" has build id "), "{said}");
    assert!(line.ends_with(": rebuild, or start the machine again"), "{said}");
    assert!(!line.contains('\n'), "{said}");
}

#[test]
fn a_kernel_of_another_build_is_refused_by_gdb_and_by_the_proxy() -> Result {
    let mut machine = other_build().boot()?;
    machine.expect("[kernel] pid 1")?;
    for (option, who) in [("--plain", "orbital"), ("--release", "orbital-gdb")] {
        let mut gdb = Command::new(workspace().join("scripts/gdb.sh"));
        gdb.arg(option).arg(machine.gdb_socket()).args(["--", "-batch"]);
        refuses(&gdb.stdin(Stdio::null()).output()?, &format!("{who}: wrong symbols: /"));
    }
    let mut proxy = Command::new(workspace().join("target/orbital/orbital-gdb"));
    proxy.arg("--kernel").arg(kernel(Profile::Release)?).arg(machine.gdb_socket());
    refuses(&proxy.stdin(Stdio::null()).output()?, "orbital-gdb: wrong symbols: /");
    Ok(())
}

#[test]
fn a_kernel_of_another_build_is_told_at_the_first_stop_in_it() -> Result {
    for (option, who) in [("--plain", "orbital"), ("--release", "orbital-gdb")] {
        let mut machine = other_build().wait_for_gdb().boot()?;
        let mut gdb = Debugger::attach(&machine, &["--release", option])?;
        gdb.enter("continue")?;
        machine.expect("[kernel] pid 1")?;
        gdb.enter("^C")?;
        gdb.expect(&format!("{who}: wrong symbols: {{}} has build id {{}}, the kernel in memory"))?;
        gdb.prompt()?;
        if who == "orbital" {
            let again = gdb.command("orbital ps")?;
            assert!(again.starts_with("wrong symbols: /") && again.lines().count() == 1, "{again}");
        }
    }
    Ok(())
}

#[test]
fn a_program_of_another_build_is_named_once() -> Result {
    let other = kernel(Profile::Debug)?.with_file_name("stripped").join("inferior");
    for (options, who) in [(&["--plain"][..], "orbital"), (&[], "orbital-gdb")] {
        let programs = "run=\"inferior 1 100000000; inferior 2 100000000\"";
        let builder = Machine::builder().program(&other, "inferior").cmdline(programs);
        let machine = builder.wait_for_gdb().boot()?;
        let mut gdb = Debugger::attach(&machine, options)?;
        let mut said = gdb.command("tbreak syscall_entry")?;
        said += &gdb.command("continue")?;
        for command in ["orbital ps", "orbital bt 1", "orbital bt 2", "orbital regs 2"] {
            said += &gdb.command(command)?;
        }
        // Whichever of the two is looked at first.
        let named = format!("{who}: wrong symbols: pid {{}} (inferior) has build id {{}}");
        assert_eq!(said.matches("wrong symbols").count(), 1, "{said}");
        let named = Pattern::new(&named);
        assert!(said.lines().any(|line| named.matches(line).is_some()), "{said}");
    }
    Ok(())
}

/// The build id in an ELF file, and whether the file has symbols or debug information.
fn identity(file: &Path) -> Result<(Vec<u8>, bool)> {
    let bytes = fs::read(file)?;
    let elf = ElfFile::new(&bytes)?;
    let section = |name| elf.find_section_by_name(name);
    let note = section(".note.gnu.build-id").ok_or("no build id")?.raw_data(&elf).to_owned();
    Ok((note, section(".symtab").is_some() || section(".debug_info").is_some()))
}

#[test]
fn the_image_has_no_symbols_and_the_build_ids_of_those_that_have() -> Result {
    for profile in [Profile::Release, Profile::Debug] {
        let with = kernel(profile)?;
        let mut pairs = vec![(with.clone(), with.with_file_name("kernel.stripped"))];
        for entry in fs::read_dir(with.with_file_name("stripped"))? {
            let stripped = entry?.path();
            let name = stripped.file_name().unwrap_or_default().to_string_lossy();
            let elf = with.with_file_name("programs").join(format!("{name}.elf"));
            pairs.push((elf, stripped));
        }
        assert!(pairs.len() > 10, "{pairs:?}");
        for (with, without) in pairs {
            let ((id, symbols), (same, none)) = (identity(&with)?, identity(&without)?);
            assert_eq!((id, symbols, none), (same, true, false), "{}", without.display());
        }
    }
    Ok(())
}
