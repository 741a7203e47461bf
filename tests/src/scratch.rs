//! Files: a short-lived directory per machine, and the lasting ones under `target/orbital`.
//!
//! A socket's path may have 107 bytes, so the directories of machines lie in the system's temporary
//! directory. They carry the test process's id: what a killed run left is removed by the next one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "orbital-test-";

/// A directory that is removed with its owner.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    console: PathBuf,
    monitor: PathBuf,
    gdb: PathBuf,
    errors: PathBuf,
    trace: PathBuf,
}

impl Scratch {
    /// Makes a new directory that no other machine uses.
    pub(crate) fn new() -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        static SWEEP: Once = Once::new();
        SWEEP.call_once(remove_stale);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory)?;
        Ok(Self {
            console: directory.join("console"),
            monitor: directory.join("monitor"),
            gdb: directory.join("gdb"),
            errors: directory.join("errors"),
            trace: directory.join("trace"),
            directory,
        })
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// What came on the serial line, if it is kept in a file.
    pub(crate) fn console(&self) -> &Path {
        &self.console
    }

    /// Socket of the monitor.
    pub(crate) fn monitor(&self) -> &Path {
        &self.monitor
    }

    /// What the kernel writes on QEMU's debug console.
    pub(crate) fn trace(&self) -> &Path {
        &self.trace
    }

    /// Socket of QEMU's gdb stub.
    pub(crate) fn gdb(&self) -> &Path {
        &self.gdb
    }

    /// What `scripts/run.sh` keeps of the machine.
    pub(crate) fn kept(&self) -> PathBuf {
        self.directory.join("kept")
    }

    /// What QEMU writes to its standard error.
    pub(crate) fn errors(&self) -> &Path {
        &self.errors
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Removes directories and files of test processes that no longer exist.
fn remove_stale() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse::<u32>().ok());
        if let Some(pid) = owner
            && !Path::new(&format!("/proc/{pid}")).exists()
        {
            let path = entry.path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}

/// `target/orbital/NAME` of the workspace, made if it is missing.
pub(crate) fn lasting(name: &str) -> io::Result<PathBuf> {
    let directory = workspace().join("target/orbital").join(name);
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// Writes a file in one step: `write` gets another path, which is then renamed to `path`.
pub(crate) fn atomically<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = path.with_extension(format!("new-{}-{number}", std::process::id()));
    let written = write(&unfinished).and_then(|()| Ok(fs::rename(&unfinished, path)?));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::process::Command;

    use super::{PREFIX, remove_stale};

    #[test]
    fn what_a_killed_test_left_goes() -> io::Result<()> {
        let mut gone = Command::new("true").spawn()?;
        gone.wait()?;
        let left = std::env::temp_dir().join(format!("{PREFIX}{}-x", gone.id()));
        let ours = std::env::temp_dir().join(format!("{PREFIX}{}-x", std::process::id()));
        for path in [&left, &ours] {
            fs::create_dir(path)?;
            fs::write(path.with_extension("txt"), "")?;
        }
        remove_stale();
        assert!(!left.exists() && !left.with_extension("txt").exists());
        assert!(ours.exists() && ours.with_extension("txt").exists());
        fs::remove_dir(&ours)?;
        fs::remove_file(ours.with_extension("txt"))
    }
}
