//! The transcript of a machine as files, kept after the test: `target/orbital/transcripts`.
//!
//! `NAME.raw` grows byte by byte as the serial line delivers it; `NAME.txt` is the readable text,
//! written when a step fails and when the machine ends.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::scratch;

/// The files of one machine.
pub(crate) struct Log {
    raw: File,
    text: PathBuf,
}

impl Log {
    /// Starts the transcript `name`, or one that is called after the running test.
    pub(crate) fn new(name: Option<String>, place: &Location<'_>) -> io::Result<Self> {
        let name = numbered(name.unwrap_or_else(|| test_name(place)));
        let directory = scratch::lasting("transcripts")?;
        let text = directory.join(format!("{name}.txt"));
        match fs::remove_file(&text) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let raw = File::create(directory.join(format!("{name}.raw")))?;
        Ok(Self { raw, text })
    }

    /// Keeps bytes as they came. A full disk must not fail the test.
    pub(crate) fn record(&mut self, bytes: &[u8]) {
        let _ = self.raw.write_all(bytes);
    }

    /// Writes the readable transcript.
    pub(crate) fn write(&self, text: &str, by_hand: &str) {
        let _ = fs::write(&self.text, format!("# {by_hand}\n{text}"));
    }

    /// What the machine is called.
    pub(crate) fn name(&self) -> String {
        self.text.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the bytes lie.
    pub(crate) fn raw_path(&self) -> PathBuf {
        self.text.with_extension("raw")
    }

    /// Where the readable transcript lies.
    pub(crate) fn path(&self) -> &Path {
        &self.text
    }
}

/// The test's file and function; with one test thread its name is not known, but its line is.
fn test_name(place: &Location<'_>) -> String {
    let file = Path::new(place.file()).file_stem().unwrap_or_default().to_string_lossy();
    match thread::current().name() {
        None | Some("main") => format!("{file}-line-{}", place.line()),
        Some(test) => format!("{file}-{}", test.replace("::", "-")),
    }
}

/// The second machine of a test gets `-2`, the third `-3`.
fn numbered(name: String) -> String {
    static USED: Mutex<Option<HashMap<String, u32>>> = Mutex::new(None);
    let mut used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    let count = used.get_or_insert_default().entry(name.clone()).or_insert(0);
    *count += 1;
    match *count {
        1 => name,
        count => format!("{name}-{count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn machines_of_one_test_get_files_of_their_own() {
        let names: Vec<_> = (0..3).map(|_| numbered("log-test".to_owned())).collect();
        assert_eq!(names, ["log-test", "log-test-2", "log-test-3"]);
    }
}
