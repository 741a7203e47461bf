//! The ramdisk: a ustar archive with `cmdline` first and then `bin/NAME` in the order of the names.
//!
//! The same input gives the same bytes: owner, group and time are zero.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use tar::{Builder, Header};

/// Packs the command line and the programs, each read from its file.
pub(crate) fn archive(cmdline: &str, programs: &BTreeMap<String, PathBuf>) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    append(&mut archive, "cmdline", 0o644, cmdline.as_bytes())?;
    for (name, file) in programs {
        let bytes = std::fs::read(file).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", file.display()))
        })?;
        append(&mut archive, &format!("bin/{name}"), 0o755, &bytes)?;
    }
    archive.into_inner()
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(mode);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    archive.append_data(&mut header, path, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_command_line_comes_first_and_programs_are_sorted() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let mut programs = BTreeMap::new();
        for name in ["shell", "echo"] {
            let file = folder.path().join(name);
            std::fs::write(&file, format!("I am {name}"))?;
            programs.insert(name.to_owned(), file);
        }

        let bytes = archive("shells=2", &programs)?;
        assert_eq!(&bytes[257..263], b"ustar\0");
        let mut found = Vec::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries()? {
            let mut entry = entry?;
            let mut content = String::new();
            entry.read_to_string(&mut content)?;
            found.push((entry.path()?.display().to_string(), content));
        }
        let expected =
            [("cmdline", "shells=2"), ("bin/echo", "I am echo"), ("bin/shell", "I am shell")];
        assert_eq!(found, expected.map(|(path, content)| (path.to_owned(), content.to_owned())));
        assert_eq!(bytes, archive("shells=2", &programs)?, "the same input, the same bytes");
        Ok(())
    }

    #[test]
    fn a_missing_program_is_named() {
        let programs = BTreeMap::from([("x".to_owned(), PathBuf::from("/nowhere/x.elf"))]);
        let error = archive("", &programs).expect_err("there is no such file");
        assert!(error.to_string().starts_with("cannot read /nowhere/x.elf"), "{error}");
    }
}
