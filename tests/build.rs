//! Makes a test function for every file in `transcripts/`, for `tests/transcripts.rs` to include.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=transcripts");
    let mut names = Vec::new();
    for entry in fs::read_dir("transcripts")? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "txt") {
            names.extend(file.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    let mut tests = String::new();
    for name in names {
        let function = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let file = format!("tests/transcripts/{name}.txt");
        writeln!(
            tests,
            "#[test]\nfn {function}() -> orbital_tests::Result {{\n    \
             orbital_tests::transcript::run({file:?})\n}}"
        )
        .map_err(io::Error::other)?;
    }
    let output = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&output).join("transcripts.rs"), tests)
}
