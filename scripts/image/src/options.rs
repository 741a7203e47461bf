//! The command line of the image tool: text to [`Options`], with one clear line for each mistake.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Packs a kernel, a command line and programs into bootable disk images.

usage: image --kernel FILE [--bios OUT] [--uefi OUT] [--cmdline TEXT]
             [--programs DIR] [--program FILE=NAME]...

  --kernel FILE         the stripped kernel
  --bios OUT            write an image for a BIOS
  --uefi OUT            write an image for UEFI
  --cmdline TEXT        kernel command line (default: empty)
  --programs DIR        every file of DIR becomes bin/<its name>
  --program FILE=NAME   FILE becomes bin/NAME; a later one of the same name wins
";

/// Longest program name: it fits a line of the process table and a tar header.
const NAME_MAX: usize = 64;

/// What to pack, and where to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) kernel: PathBuf,
    pub(crate) bios: Option<PathBuf>,
    pub(crate) uefi: Option<PathBuf>,
    pub(crate) cmdline: String,
    /// File by program name; the order of the map is the order in the ramdisk.
    pub(crate) programs: BTreeMap<String, PathBuf>,
}

impl Options {
    /// Reads the arguments after the program's name; `None` means that help was asked for.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let option = text(argument)?;
            if option == "--help" {
                return Ok(None);
            }
            let mut value = || arguments.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--kernel" => options.kernel = value()?.into(),
                "--bios" => options.bios = Some(value()?.into()),
                "--uefi" => options.uefi = Some(value()?.into()),
                "--cmdline" => options.cmdline = text(value()?)?,
                "--programs" => options.add_folder(&value()?.into())?,
                "--program" => options.add_program(&text(value()?)?)?,
                _ => return Err(format!("unknown option {option}")),
            }
        }
        if options.kernel.as_os_str().is_empty() {
            return Err("--kernel is missing".into());
        }
        if options.bios.is_none() && options.uefi.is_none() {
            return Err("nothing to do: give --bios or --uefi".into());
        }
        Ok(Some(options))
    }

    fn add_folder(&mut self, folder: &PathBuf) -> Result<(), String> {
        let cannot = |error| format!("cannot read {}: {error}", folder.display());
        for entry in std::fs::read_dir(folder).map_err(cannot)? {
            let file = entry.map_err(cannot)?;
            self.add(text(file.file_name())?, file.path())?;
        }
        Ok(())
    }

    /// The last `=` divides, so that a path may have one.
    fn add_program(&mut self, argument: &str) -> Result<(), String> {
        let (file, name) = argument.rsplit_once('=').ok_or("--program wants FILE=NAME")?;
        self.add(name.into(), file.into())
    }

    fn add(&mut self, name: String, file: PathBuf) -> Result<(), String> {
        if !is_program_name(&name) {
            return Err(format!(
                "bad program name {name:?}: 1 to {NAME_MAX} of A-Z a-z 0-9 . _ + -, the first no . + -"
            ));
        }
        self.programs.insert(name, file);
        Ok(())
    }
}

/// Names that can be typed at the shell and in `run=` without quoting.
fn is_program_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= NAME_MAX
        && name.bytes().next().is_some_and(word)
        && name.bytes().all(|byte| word(byte) || b".+-".contains(&byte))
}

fn text(argument: OsString) -> Result<String, String> {
    argument.into_string().map_err(|argument| format!("not UTF-8: {}", argument.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Option<Options>, String> {
        Options::parse(line.iter().map(OsString::from))
    }

    #[test]
    fn every_option_is_read() {
        let options = parse(&[
            "--kernel",
            "k",
            "--bios",
            "b.img",
            "--uefi",
            "u.img",
            "--cmdline",
            "shells=1 run=\"a b\"",
            "--program",
            "dir=x/f=tool",
        ]);
        assert_eq!(
            options,
            Ok(Some(Options {
                kernel: "k".into(),
                bios: Some("b.img".into()),
                uefi: Some("u.img".into()),
                cmdline: "shells=1 run=\"a b\"".into(),
                programs: BTreeMap::from([("tool".into(), "dir=x/f".into())]),
            }))
        );
    }

    #[test]
    fn a_later_program_of_the_same_name_wins() {
        let options =
            parse(&["--kernel", "k", "--bios", "b", "--program", "a=p", "--program", "b=p"]);
        let programs = options.ok().flatten().map(|options| options.programs);
        assert_eq!(programs, Some(BTreeMap::from([("p".into(), "b".into())])));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, message) in [
            (&["--kernel"] as &[&str], "--kernel needs a value"),
            (&["--speed", "9"], "unknown option --speed"),
            (&["--bios", "b"], "--kernel is missing"),
            (&["--kernel", "k"], "nothing to do: give --bios or --uefi"),
            (&["--program", "file"], "--program wants FILE=NAME"),
        ] {
            assert_eq!(parse(line), Err(message.into()));
        }
    }

    #[test]
    fn program_names_need_no_quoting() {
        for good in ["shell", "a", "_x", "orbital-shell.2", "c++"] {
            assert!(is_program_name(good), "{good}");
        }
        for bad in ["", "-x", ".hidden", "a b", "a/b", "a;b", "größe", &"x".repeat(NAME_MAX + 1)]
        {
            assert!(!is_program_name(bad), "{bad}");
        }
    }
}
