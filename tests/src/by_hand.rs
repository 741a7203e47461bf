//! The command line with which a person repeats what a test did.

use crate::builder::{Builder, Firmware, Profile};

impl Builder {
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
