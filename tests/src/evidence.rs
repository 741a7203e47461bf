//! What a failed test leaves for whoever looks for the reason: `target/orbital/failures/NAME`.
//!
//! The folder is one that `scripts/run.sh --replay` understands (`scripts/lib/replay.sh` says what
//! lies in it): the machine, its disk, its kernel and the programs that ran with all symbols, the
//! transcript, and of a recorded machine QEMU's log of the run: some 5 MB when packed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::artifacts::{Artifacts, run};
use crate::image;
use crate::machine::Machine;
use crate::scratch::{lasting, workspace};

/// What a recording consists of, beside the disk.
const RECORDING: [&str; 3] = ["replay.bin", "state.qcow2", "record"];

/// So many folders are kept: each may hold on to a build of its own.
const KEPT: usize = 16;

/// Where the parts of a machine lie.
pub(crate) struct Parts {
    disk: PathBuf,
    /// With its symbols, as the programs are.
    pub(crate) kernel: PathBuf,
    programs: PathBuf,
    /// Its arguments, as a file has them.
    arguments: String,
}

impl Parts {
    pub(crate) fn of(machine: &Machine) -> io::Result<Self> {
        let builder = &machine.builder;
        if builder.by_script() {
            let folder = builder.folder().unwrap_or_else(|| machine.vm.scratch().kept());
            return Ok(Self {
                disk: folder.join("disk.img"),
                kernel: folder.join("kernel.elf"),
                programs: folder.join("programs"),
                arguments: fs::read_to_string(folder.join("machine"))?,
            });
        }
        let artifacts = Artifacts::locate(builder.profile)?;
        Ok(Self {
            disk: image::image(builder)?,
            kernel: artifacts.kernel_symbols(),
            programs: artifacts.program_symbols(),
            arguments: image::machine_arguments(builder)?.join("\n") + "\n",
        })
    }
}

/// Keeps everything about `machine`; where. A recorded machine ends with it.
pub(crate) fn keep(machine: &mut Machine) -> io::Result<PathBuf> {
    let folder = lasting("failures")?.join(machine.log.name());
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir(&folder)?,
    }
    let parts = Parts::of(machine)?;
    link(&parts.disk, &folder.join("disk.img"))?;
    link(&parts.kernel, &folder.join("kernel.elf"))?;
    fs::write(folder.join("machine"), parts.arguments)?;
    fs::copy(machine.log.path(), folder.join("transcript.txt"))?;
    let builder = &machine.builder;
    let (given, said) = (builder.options().join(" "), machine.transcript());
    let ran = |name: &str| {
        let signs = [format!("({name})"), format!("orbital> {name}")];
        given.contains(name) || signs.iter().any(|sign| said.contains(sign))
    };
    keep_programs(&parts.programs, &folder.join("programs"), ran)?;
    keep_own(&builder.programs, &folder.join("programs"))?;
    let recording = match builder.record {
        true => Some(machine.vm.scratch().path().to_owned()),
        false => builder.folder().filter(|folder| folder.join(RECORDING[0]).exists()),
    };
    if let Some(recording) = recording {
        // QEMU's log is complete when QEMU has ended.
        machine.vm.quit();
        for file in RECORDING {
            fs::copy(recording.join(file), folder.join(file))?;
        }
    }
    remove_oldest(&lasting("failures")?)?;
    Ok(folder)
}

/// The shell, and whatever else ran.
fn keep_programs(all: &Path, folder: &Path, ran: impl Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir(folder)?;
    for program in fs::read_dir(all)? {
        let program = program?.path();
        let name = program.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if name == "shell" || ran(name) {
            link(&program, &folder.join(name).with_extension("elf"))?;
        }
    }
    Ok(())
}

/// The programs that only this test has, with what symbols they have.
fn keep_own(programs: &[(PathBuf, String)], folder: &Path) -> io::Result<()> {
    let build = lasting("")?;
    for (file, name) in programs.iter().filter(|(file, _)| !file.starts_with(&build)) {
        let place = folder.join(format!("{name}.elf"));
        // What has that name in the build is not what ran, and not to be written over.
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => _ = fs::copy(file, place)?,
        }
    }
    Ok(())
}

fn remove_oldest(directory: &Path) -> io::Result<()> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        folders.push((entry.metadata()?.modified()?, entry.path()));
    }
    folders.sort();
    let surplus = folders.len().saturating_sub(KEPT);
    folders.into_iter().take(surplus).try_for_each(|(_, folder)| fs::remove_dir_all(folder))
}

/// QEMU's arguments for a machine with this disk that is recorded into `folder`.
pub(crate) fn recording_arguments(image: &Path, folder: &Path) -> io::Result<Vec<String>> {
    link(image, &folder.join("disk.img"))?;
    let script = r#"
        . "$0/scripts/lib/common.sh"; . "$0/scripts/lib/replay.sh"; machine=()
        empty_qcow2 "$1/state.qcow2"; recorded_devices "$1" record
        printf '%s\n' "${machine[@]}" -debugcon "file:$1/record" >"$1/devices""#;
    run(Command::new("bash").arg("-ec").arg(script).arg(workspace()).arg(folder))?;
    let devices = fs::read_to_string(folder.join("devices"))?;
    Ok(devices.lines().map(str::to_owned).collect())
}

/// A second name for a file that is never written to, or a copy on another disk.
fn link(file: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(file, name).or_else(|_| fs::copy(file, name).map(drop))
}
