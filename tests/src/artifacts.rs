//! The files that `scripts/build.sh` makes and a machine is made of.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use crate::builder::{Builder, Firmware, Profile};
use crate::scratch::workspace;

/// The files one build leaves behind; see `scripts/build.sh`.
pub(crate) struct Artifacts {
    directory: PathBuf,
    pub(crate) mkimage: PathBuf,
}

impl Artifacts {
    /// Finds the build that `profile` asks for, and builds it where it is missing.
    pub(crate) fn locate(profile: Option<Profile>) -> io::Result<Self> {
        static BUILDING: Mutex<()> = Mutex::new(());
        let root = workspace().join("target/orbital");
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let given = variable("ORBITAL_ARTIFACTS").unwrap_or_else(|| root.join("release"));
        let directory = match profile {
            None => given,
            Some(Profile::Debug) => given.with_file_name("debug"),
            Some(Profile::Release) => given.with_file_name("release"),
        };
        let mkimage = variable("ORBITAL_MKIMAGE").unwrap_or_else(|| root.join("mkimage"));
        let artifacts = Self { directory, mkimage };
        if !artifacts.kernel().exists() || !artifacts.mkimage.exists() {
            // One test builds; the others find everything there, which is quick.
            let _one_at_a_time = BUILDING.lock();
            let debug = artifacts.directory.ends_with("debug");
            let option = if debug { "--debug" } else { "--release" };
            run(Command::new(workspace().join("scripts/build.sh")).arg(option))?;
        }
        Ok(artifacts)
    }

    pub(crate) fn kernel(&self) -> PathBuf {
        self.directory.join("kernel.stripped")
    }

    /// The kernel with its symbols, for a debugger.
    pub(crate) fn kernel_symbols(&self) -> PathBuf {
        self.directory.join("kernel.elf")
    }

    /// The folder of the programs with their symbols.
    pub(crate) fn program_symbols(&self) -> PathBuf {
        self.directory.join("programs")
    }

    pub(crate) fn programs(&self) -> PathBuf {
        self.directory.join("stripped")
    }

    /// A number that changes when anything that goes into an image of `builder` does.
    pub(crate) fn hash(&self, builder: &Builder) -> io::Result<u64> {
        let mut files = vec![self.kernel(), self.mkimage.clone()];
        let programs: io::Result<Vec<_>> =
            fs::read_dir(self.programs())?.map(|entry| Ok(entry?.path())).collect();
        files.extend(programs?);
        files.sort();
        files.extend(builder.programs.iter().map(|(file, _)| file.clone()));
        let mut hasher = DefaultHasher::new();
        for file in &files {
            file.file_name().hash(&mut hasher);
            content(file).map_err(|error| named(file, &error))?.hash(&mut hasher);
        }
        builder.programs.iter().for_each(|(_, name)| name.hash(&mut hasher));
        builder.cmdline.hash(&mut hasher);
        matches!(builder.firmware, Firmware::Uefi).hash(&mut hasher);
        Ok(hasher.finish())
    }
}

/// The file of one of Orbital's own programs, as it goes into an image.
///
/// # Errors
/// Orbital cannot be built.
pub fn program(name: &str) -> crate::Result<PathBuf> {
    Ok(Artifacts::locate(None)?.programs().join(name))
}

/// The same file with its symbols.
///
/// # Errors
/// Orbital cannot be built.
pub fn program_symbols(name: &str) -> crate::Result<PathBuf> {
    Ok(Artifacts::locate(None)?.program_symbols().join(format!("{name}.elf")))
}

/// The kernel of a build, with its symbols.
///
/// # Errors
/// Orbital cannot be built.
pub fn kernel(profile: Profile) -> crate::Result<PathBuf> {
    Ok(Artifacts::locate(Some(profile))?.kernel_symbols())
}

/// A hash of a file's bytes, read again only when the file has changed.
fn content(file: &Path) -> io::Result<u64> {
    type Stamp = (u64, SystemTime);
    static KNOWN: LazyLock<Mutex<HashMap<PathBuf, (Stamp, u64)>>> = LazyLock::new(Mutex::default);
    let metadata = fs::metadata(file)?;
    let stamp = (metadata.len(), metadata.modified()?);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((seen, hash)) = known.get(file)
        && *seen == stamp
    {
        return Ok(*hash);
    }
    let mut hasher = DefaultHasher::new();
    fs::read(file)?.hash(&mut hasher);
    let hash = hasher.finish();
    known.insert(file.to_owned(), (stamp, hash));
    Ok(hash)
}

/// Runs a program to its end; its last words are the error.
pub(crate) fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output().map_err(|error| {
        let program = Path::new(command.get_program());
        named(program, &error)
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {}: {}", output.status, said.trim())))
}

/// The same error, with the file it is about.
pub(crate) fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}
