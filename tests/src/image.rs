//! From a [`Builder`] to a disk image and a QEMU command line.
//!
//! `mkimage` joins kernel, programs and command line, and `scripts/qemu.args` says what machine
//! Orbital runs on; this file only puts them together. Images are kept by a hash of everything that
//! goes into them, so equal machines share one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::artifacts::{Artifacts, named, run};
use crate::builder::{Builder, Firmware, OnPanic};
use crate::scratch::{atomically, lasting, workspace};

/// Unused images are removed when there are more than this.
const KEPT: usize = 64;
/// An image used within this time is never removed: its test may be about to open it.
const IN_USE: Duration = Duration::from_secs(600);

/// The disk image of `builder`, made if there is none yet.
pub(crate) fn image(builder: &Builder) -> io::Result<PathBuf> {
    let artifacts = Artifacts::locate(builder.profile)?;
    let directory = lasting("images")?;
    let image = directory.join(format!("{:016x}.img", artifacts.hash(builder)?));
    if in_use(&image) {
        return Ok(image);
    }
    let firmware = match builder.firmware {
        Firmware::Bios => "--bios",
        Firmware::Uefi => "--uefi",
    };
    atomically(&image, |path| {
        let mut command = Command::new(&artifacts.mkimage);
        command.arg("--kernel").arg(artifacts.kernel());
        command.arg("--programs").arg(artifacts.programs());
        command.arg("--cmdline").arg(&builder.cmdline);
        for (file, name) in &builder.programs {
            let mut pair = file.as_os_str().to_owned();
            pair.push("=");
            pair.push(name);
            command.arg("--program").arg(pair);
        }
        run(command.arg(firmware).arg(path))
    })?;
    remove_unused(&directory);
    Ok(image)
}

/// QEMU's arguments for the machine of `builder`, without its disk and the sockets.
pub(crate) fn machine_arguments(builder: &Builder) -> io::Result<Vec<String>> {
    let common = workspace().join("scripts/qemu.args");
    let common = fs::read_to_string(&common).map_err(|error| named(&common, &error))?;
    let mut arguments: Vec<String> = common
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    let mut add = |words: &[&str]| arguments.extend(words.iter().map(|&word| word.to_owned()));
    add(&["-m", &builder.memory_mib.to_string(), "-display", "none"]);
    add(&[
        "-action",
        match builder.on_panic {
            OnPanic::Freeze => "panic=pause,reboot=shutdown,shutdown=pause",
            OnPanic::Continue => "panic=none,reboot=shutdown",
        },
    ]);
    if builder.firmware == Firmware::Uefi {
        add(&["-bios", "/usr/share/ovmf/OVMF.fd"]);
    }
    arguments.extend(builder.overrides());
    Ok(arguments)
}

/// QEMU's arguments for a disk that several machines may read.
pub(crate) fn disk_arguments(image: &Path) -> Vec<String> {
    let disk = format!("file={},if=none,id=disk,format=raw,readonly=on", image.display());
    let device = "virtio-blk-pci,drive=disk,bootindex=0";
    ["-drive", &disk, "-device", device].map(str::to_owned).into()
}

/// Marks a kept file as being used, if it exists.
pub(crate) fn in_use(path: &Path) -> bool {
    let file = fs::File::options().append(true).open(path);
    file.is_ok_and(|file| file.set_modified(SystemTime::now()).is_ok())
}

/// Removes the images and saved states that were not used for the longest time.
pub(crate) fn remove_unused(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut files: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(KEPT);
    for (used, path) in files.into_iter().take(surplus) {
        if used.elapsed().is_ok_and(|age| age > IN_USE) {
            let _ = fs::remove_file(path);
        }
    }
}
