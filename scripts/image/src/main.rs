//! `image`: makes bootable disk images out of a kernel, a command line and programs.
//!
//! It only packs files that are already built, so changing the command line or a program costs a
//! fraction of a second. `scripts/build.sh` installs it as `target/orbital/mkimage`; `scripts/run.sh`
//! and the tests call it there. An image appears under its name complete or not at all, and a
//! machine that runs from an older image of that name keeps it.

mod options;
mod ramdisk;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use bootloader::{BootConfig, DiskImageBuilder};
use options::Options;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args_os().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("image: {message}");
            return ExitCode::from(2);
        }
    };
    match make_images(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make_images(options: &Options) -> Result<(), Box<dyn Error>> {
    if let Some(output) = &options.bios {
        make_image(options, output, |builder, path| {
            builder.create_bios_image(path).map_err(Into::into)
        })?;
    }
    if let Some(output) = &options.uefi {
        make_image(options, output, |builder, path| {
            builder.create_uefi_image(path).map_err(Into::into)
        })?;
    }
    Ok(())
}

/// Builds the image beside `output` and moves it there when it is complete.
fn make_image(
    options: &Options,
    output: &Path,
    create: impl Fn(&DiskImageBuilder, &Path) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let workshop = tempfile::tempdir_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| format!("cannot write beside {}: {error}", output.display()))?;

    let ramdisk = workshop.path().join("ramdisk");
    fs::write(&ramdisk, ramdisk::archive(&options.cmdline, &options.programs)?)?;
    fs::metadata(&options.kernel)
        .map_err(|error| format!("cannot read {}: {error}", options.kernel.display()))?;

    let mut builder = DiskImageBuilder::new(options.kernel.clone());
    builder.set_ramdisk(ramdisk).set_boot_config(&quiet_boot());
    let image = workshop.path().join("image");
    create(&builder, &image)?;
    fs::rename(&image, output)
        .map_err(|error| format!("cannot write {}: {error}", output.display()))?;
    Ok(())
}

/// The boot loader says nothing: the first line on the serial port is the kernel's, and drawing
/// log lines into the frame buffer would only cost time.
fn quiet_boot() -> BootConfig {
    let mut config = BootConfig::default();
    config.frame_buffer_logging = false;
    config.serial_logging = false;
    config
}
