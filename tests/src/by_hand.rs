//! The command line of a person: the one that repeats what a test did, or the one that a document
//! shows and a test runs.

use std::path::{Path, PathBuf};

use crate::builder::{Builder, Firmware, Profile};

/// The options of `scripts/run.sh` as a person typed them, in place of all settings.
#[derive(Clone, Debug)]
pub(crate) struct Typed {
    pub(crate) options: Vec<String>,
    /// Where they were typed: relative paths start there.
    pub(crate) folder: PathBuf,
}

impl Builder {
    /// Boots it by `scripts/run.sh` with these options, typed in `folder`.
    pub(crate) fn typed(mut self, options: Vec<String>, folder: &Path) -> Self {
        self.bochs = options.iter().any(|option| option == "--bochs");
        self.typed = Some(Typed { options, folder: folder.to_owned() });
        self
    }

    /// Whether `scripts/run.sh` starts it.
    pub(crate) fn by_script(&self) -> bool {
        self.bochs || self.typed.is_some()
    }

    /// The folder that those options name for the run, which then has everything of the machine in it.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let typed = self.typed.as_ref()?;
        let mut words = typed.options.iter().flat_map(|word| word.splitn(2, '='));
        words.find(|&word| word == "--record" || word == "--replay")?;
        Some(typed.folder.join(words.next()?))
    }

    /// The command that starts the same machine for a person.
    pub(crate) fn by_hand(&self) -> String {
        let options = self.options();
        let words = options.iter().map(|word| quoted(word));
        ["scripts/run.sh".to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }

    /// The options of `scripts/run.sh` for it.
    pub(crate) fn options(&self) -> Vec<String> {
        if let Some(typed) = &self.typed {
            return typed.options.clone();
        }
        let mut words = Vec::new();
        let mut option = |name: &str, value: &str| {
            words.extend([name.to_owned(), value.to_owned()]);
        };
        if !self.cmdline.is_empty() {
            option("--append", &self.cmdline);
        }
        for (file, name) in &self.programs {
            option("--program", &format!("{}={name}", file.display()));
        }
        if self.memory_mib != Self::default().memory_mib {
            option("--memory", &self.memory_mib.to_string());
        }
        for argument in &self.overrides() {
            option("--qemu-arg", argument);
        }
        let flags = [
            (self.profile == Some(Profile::Debug), "--debug"),
            (self.profile == Some(Profile::Release), "--release"),
            (self.firmware == Firmware::Uefi, "--uefi"),
            (self.bochs, "--bochs"),
            (self.wait_for_gdb, "--wait-gdb"),
        ];
        words.extend(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| (*flag).to_owned()));
        words
    }
}

/// One word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;
    use crate::builder::{Builder, Firmware};

    #[test]
    fn the_command_to_repeat_a_test_names_only_what_differs() {
        assert_eq!(Builder::default().by_hand(), "scripts/run.sh");
        let builder = Builder::default()
            .cmdline("run=\"say hello 1\"")
            .firmware(Firmware::Uefi)
            .cpu("qemu64");
        assert_eq!(
            builder.by_hand(),
            "scripts/run.sh --append 'run=\"say hello 1\"' --qemu-arg -cpu --qemu-arg qemu64 --uefi"
        );
        let builder = Builder::default().memory_mib(32).bochs();
        assert_eq!(builder.by_hand(), "scripts/run.sh --memory 32 --bochs");
    }

    #[test]
    fn words_are_quoted_for_the_shell_where_they_must_be() {
        assert_eq!(quoted("a=b"), "a=b");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
