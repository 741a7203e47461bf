//! A checkout may lie anywhere, also under a name with a blank in it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orbital_tests::{Machine, Profile, Result, kernel, workspace};

/// A new folder with a blank in its name.
fn folder(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

#[test]
fn symbols_are_found_in_a_folder_whose_name_has_a_blank() -> Result {
    let place = folder("some symbols")?;
    let built = kernel(Profile::Release)?;
    fs::hard_link(&built, place.join("kernel.elf"))?;
    fs::create_dir(place.join("programs"))?;
    for program in ["spin.elf", "inferior.elf"] {
        let original = built.with_file_name("programs").join(program);
        fs::hard_link(original, place.join("programs").join(program))?;
    }
    let mut machine = Machine::builder().cmdline("run=\"spin; inferior 1 100000000\"").boot()?;
    machine.expect("[kernel] pid 2")?;
    for option in ["--plain", "--release"] {
        let mut gdb = Command::new(workspace().join("scripts/gdb.sh"));
        gdb.args([option, "--symbols"]).arg(&place).arg(machine.gdb_socket());
        gdb.args(["--", "-batch", "-ex", "orbital bt 1", "-ex", "orbital bt 2"]);
        let output = gdb.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.matches(" _start ()").count(), 2, "{option}: {output:?}");
        // gdb warns as often as it is not answered at once.
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("warning:"), "{option}: {errors}");
    }
    Ok(())
}

#[test]
fn a_program_without_a_build_id_is_known_by_its_code_and_what_is_no_program_is_passed_over()
-> Result {
    let place = folder("no build id")?;
    let built = kernel(Profile::Release)?;
    fs::hard_link(&built, place.join("kernel.elf"))?;
    fs::create_dir(place.join("programs"))?;
    let program = place.join("programs/nameless.elf");
    let mut objcopy = Command::new("objcopy");
    objcopy.args(["--remove-section", ".note.gnu.build-id"]);
    objcopy.arg(built.with_file_name("programs").join("spin.elf")).arg(&program);
    assert!(objcopy.status()?.success());
    fs::write(place.join("programs/text.elf"), "no program")?;
    let builder = Machine::builder().program(&program, "nameless").cmdline("run=nameless");
    let mut machine = builder.boot()?;
    machine.expect("[kernel] pid 1")?;
    for option in ["--plain", "--release"] {
        let mut gdb = Command::new(workspace().join("scripts/gdb.sh"));
        gdb.args([option, "--symbols"]).arg(&place).arg(machine.gdb_socket());
        let output =
            gdb.args(["--", "-batch", "-ex", "orbital bt 1"]).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.matches(" _start ()").count(), 1, "{option}: {output:?}");
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
    let place = folder("movable")?;
    let built = kernel(Profile::Release)?;
    fs::hard_link(&built, place.join("kernel.elf"))?;
    fs::create_dir(place.join("programs"))?;
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
    for option in ["--plain", "--release"] {
        let mut gdb = Command::new(workspace().join("scripts/gdb.sh"));
        gdb.args([option, "--symbols"]).arg(&place).arg(machine.gdb_socket());
        gdb.args(["--", "-batch", "-ex", "orbital ps", "-ex", "orbital bt 1"]);
        let output = gdb.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said.matches(" again ()").count(), 1, "{option}: {output:?}");
        assert_eq!(said.matches(" _start ()").count(), 1, "{option}: {output:?}");
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
