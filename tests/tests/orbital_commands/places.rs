//! A checkout may lie anywhere, also under a name with a blank in it, and programs may be of any make.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use orbital_tests::{Machine, Profile, Result, kernel, workspace};

/// A new folder.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A build in a new folder: the kernel that is tested, and room for programs.
fn build(name: &str) -> Result<PathBuf> {
    let place = folder(name)?;
    fs::hard_link(kernel(Profile::Release)?, place.join("kernel.elf"))?;
    fs::create_dir(place.join("programs"))?;
    Ok(place)
}

/// What gdb answers with the symbols of the build in `place`, on the bare stub and where tasks are
/// inferiors. What it says of where the machine happens to be comes before.
fn answers(place: &Path, machine: &Machine, commands: &[&str]) -> Result<[Output; 2]> {
    let ask = |option| {
        let mut gdb = Command::new(workspace().join("scripts/gdb.sh"));
        gdb.args([option, "--symbols"]).arg(place).arg(machine.gdb_socket()).args(["--", "-batch"]);
        for command in [&["echo ANSWER"], commands].concat() {
            gdb.args(["-ex", command]);
        }
        gdb.stdin(Stdio::null()).output()
    };
    Ok([ask("--plain")?, ask("--release")?])
}

/// How often gdb named that function in a backtrace.
fn frames(output: &Output, function: &str) -> usize {
    let said = String::from_utf8_lossy(&output.stdout);
    let answer = said.split_once("ANSWER").map_or("", |(_, answer)| answer);
    answer.matches(&format!(" {function} ()")).count()
}

#[test]
fn symbols_are_found_in_a_folder_whose_name_has_a_blank() -> Result {
    let place = build("some symbols")?;
    for program in ["spin.elf", "inferior.elf"] {
        let original = kernel(Profile::Release)?.with_file_name("programs").join(program);
        fs::hard_link(original, place.join("programs").join(program))?;
    }
    let mut machine = Machine::builder().cmdline("run=\"spin; inferior 1 100000000\"").boot()?;
    machine.expect("[kernel] pid 2")?;
    for answer in answers(&place, &machine, &["orbital bt 1", "orbital bt 2"])? {
        assert_eq!(frames(&answer, "_start"), 2, "{answer:?}");
        // gdb warns as often as it is not answered at once.
        let errors = String::from_utf8_lossy(&answer.stderr);
        assert!(!errors.contains("warning:"), "{errors}");
    }
    Ok(())
}

#[test]
fn a_program_without_a_build_id_is_known_by_its_code_and_what_is_no_program_is_passed_over()
-> Result {
    let place = build("no build id")?;
    let built = kernel(Profile::Release)?;
    let program = place.join("programs/nameless.elf");
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["--remove-section", ".note.gnu.build-id"]);
    objcopy.arg(built.with_file_name("programs").join("spin.elf")).arg(&program);
    assert!(objcopy.status()?.success());
    fs::write(place.join("programs/text.elf"), "no program")?;
    let builder = Machine::builder().program(&program, "nameless").cmdline("run=nameless");
    let mut machine = builder.boot()?;
    machine.expect("[kernel] pid 1")?;
    for answer in answers(&place, &machine, &["orbital bt 1"])? {
        assert_eq!(frames(&answer, "_start"), 1, "{answer:?}");
    }
    let mut proxy = Command::new(workspace().join("target/orbital/orbital-gdb"));
    proxy.arg("--kernel").arg(&built).arg("--programs").arg(place.join("programs/text.elf"));
    let output = proxy.arg(machine.gdb_socket()).stdin(Stdio::null()).output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

/// Yields for ever.
const MOVABLE: &str = "
    .globl _start, again
    .type _start, @function
    .type again, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    call again
    .cfi_endproc
    .size _start, . - _start
again:
    .cfi_startproc
    mov $12, %eax
    syscall
    jmp again
    .cfi_endproc
    .size again, . - again
";

#[test]
fn a_program_that_can_be_loaded_anywhere_is_known_where_it_is() -> Result {
    let place = build("movable")?;
    fs::write(place.join("movable.s"), MOVABLE)?;
    for command in [
        &["as", "movable.s", "-o", "movable.o"][..],
        &["ld", "-pie", "--no-dynamic-linker", "movable.o", "-o", "programs/movable.elf"],
    ] {
        assert!(
            Command::new(command[0]).args(&command[1..]).current_dir(&place).status()?.success()
        );
    }
    let program = place.join("programs/movable.elf");
    let builder = Machine::builder().program(&program, "movable").cmdline("run=movable");
    let mut machine = builder.boot()?;
    machine.expect("[kernel] pid 1")?;
    for answer in answers(&place, &machine, &["orbital ps", "orbital bt 1"])? {
        assert_eq!(
            ["again", "_start"].map(|function| frames(&answer, function)),
            [1, 1],
            "{answer:?}"
        );
    }
    Ok(())
}

#[test]
fn a_machine_is_found_from_a_checkout_whose_name_has_a_blank() -> Result {
    let checkout = folder("some checkout")?;
    let copied =
        Command::new("cp").arg("-r").arg(workspace().join("scripts")).arg(&checkout).status()?;
    assert!(copied.success());
    let output = checkout.join("target/orbital");
    fs::create_dir_all(&output)?;
    let note = output.join(".machine-1");
    fs::write(&note, "127.0.0.1:1234\n/no such build\n\n")?;
    let runs = File::open(&note)?;
    runs.lock()?;
    let gdb = Command::new(checkout.join("scripts/gdb.sh")).stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&gdb.stderr);
    assert!(said.starts_with("orbital: there is no /no such build/kernel.elf: "), "{said}");
    Ok(())
}
