//! ELF files that no linker makes, loaded by the real kernel: right ones run, wrong ones are refused
//! with a reason, and whatever a random one does, nothing is lost.

mod builder;
mod defects;
mod random;

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use orbital_tests::{Builder, Machine, Pattern, Profile, Result, exit};

use builder::{CODE_OF_SUCCESS, File};
use random::Random;

/// Nothing was lost.
const CLEAN: &str = "[kernel] leak check: frames 0, heap bytes 0, processes 0";

/// A machine with these files in its ramdisk, as PREFIX0, PREFIX1 and so on.
fn machine(prefix: &str, files: impl IntoIterator<Item = Vec<u8>>) -> io::Result<Builder> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("elf_files").join(prefix);
    fs::create_dir_all(&directory)?;
    // Each program that was loaded once keeps its pages.
    let mut builder = Machine::builder().memory_mib(256).limit(Duration::from_secs(300));
    for (number, bytes) in files.into_iter().enumerate() {
        let name = format!("{prefix}{number}");
        let file = directory.join(&name);
        fs::write(&file, bytes)?;
        builder = builder.program(file, &name);
    }
    Ok(builder)
}

#[test]
fn programs_of_either_kind_run_with_data_relocations_and_thread_local_storage() -> Result {
    let mut files = vec![File::fixed(), File::relocatable(1), File::relocatable(40)];
    files.extend(defects::harmless());
    let names: Vec<_> = (0..files.len()).map(|number| format!("good{number}")).collect();
    // The thread pointers must survive each other, and a program that loads every selector.
    let programs = format!("{};registers 50 1", names.join(";"));
    let files = files.iter().map(File::bytes);
    let mut machine = machine("good", files)?.run(&programs).boot()?;
    machine.expect_exit(exit::PROGRAM_FAILED)?;
    let text = machine.transcript();
    for name in names {
        let line = format!("({name}) exited: {CODE_OF_SUCCESS}\n");
        assert!(text.contains(&line), "{name}:\n{text}");
    }
    assert!(text.contains("(registers) exited: 0\n") && text.contains(CLEAN), "{text}");
    Ok(())
}

#[test]
fn every_wrong_field_of_every_header_is_refused_with_its_reason() -> Result {
    let defects = defects::all();
    let count = defects.len();
    assert!(count > 150, "{count} defects");
    for (cpu, profile) in [("max", Profile::Release), ("qemu64", Profile::Debug)] {
        let files = defects.iter().map(|defect| defect.file.bytes());
        let builder = machine("wrong", files)?.cpu(cpu).profile(profile);
        let mut machine = builder.run(&format!("loads wrong {count}")).boot()?;
        machine.expect_exit(exit::SUCCESS)?;
        let text = machine.transcript();
        for (number, defect) in defects.iter().enumerate() {
            let line = format!("[kernel] wrong{number} refused: {}\n", defect.reason);
            let said = text.lines().find(|line| line.contains(&format!(" wrong{number} ")));
            assert!(text.contains(&line), "{number} {said:?}, must be {line}{:x?}", defect.file);
        }
        let tally = format!("loads: {count} refused, 0 started");
        assert!(text.contains(&tally) && text.contains(CLEAN), "{text}");
    }
    Ok(())
}

/// Files with random defects: each is refused or runs, for a while.
fn random_files(count: u64, seed: u64) -> Result {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let files = (0..count).map(|_| random.file());
    let builder = machine("random", files)?;
    let policy = "sched=round-robin quantum=200us quiet=yes poweroff=yes";
    let mut machine = builder.cmdline(format!("run=\"loads random {count}\" {policy}")).boot()?;
    machine.expect_exit(exit::SUCCESS)?;
    let text = machine.transcript();
    let tally = Pattern::new("loads: {} refused, {} started").find(text).ok_or("no tally")?.1;
    let [refused, started] = [0, 1].map(|at| tally.number(at).unwrap_or(0));
    assert_eq!(refused + started, count);
    assert_eq!(text.matches(" refused: ").count() as u64, refused);
    // Changes that are nearly always wrong, or nearly never, would test little.
    assert!(refused > count / 10 && started > count / 10, "{refused} refused, {started} started");
    assert!(text.contains(CLEAN), "{text}");
    Ok(())
}

#[test]
fn two_thousand_files_with_random_defects_lose_nothing() -> Result {
    random_files(2_000, 1)
}

#[test]
#[ignore = "ten minutes"]
fn a_hundred_thousand_files_with_random_defects_lose_nothing() -> Result {
    (1..=50).try_for_each(|seed| random_files(2_000, seed))
}
