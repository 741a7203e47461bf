//! The command line with which a person repeats what a test did.

use crate::builder::{Builder, Firmware, Profile};

impl Builder {
    /// The command that starts the same machine for a person.
    pub(crate) fn by_hand(&self) -> String {
        let mut words = vec!["scripts/run.sh".to_owned()];
        let mut option = |name: &str, value: &str| {
            words.push(name.to_owned());
            words.push(quoted(value));
        };
        if !self.cmdline.is_empty() {
            option("--append", &self.cmdline);
        }
        for (file, name) in &self.programs {
            option("--program", &format!("{}={name}", file.display()));
        }
        let mut arguments = self.overrides();
        if self.memory_mib != Self::default().memory_mib {
            arguments.extend(["-m".to_owned(), self.memory_mib.to_string()]);
        }
        for argument in &arguments {
            option("--qemu-arg", argument);
        }
        match self.profile {
            Some(Profile::Debug) => words.push("--debug".to_owned()),
            Some(Profile::Release) => words.push("--release".to_owned()),
            None => {}
        }
        if self.firmware == Firmware::Uefi {
            words.push("--uefi".to_owned());
        }
        if self.wait_for_gdb {
            words.push("--wait-gdb".to_owned());
        }
        words.join(" ")
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
    }

    #[test]
    fn words_are_quoted_for_the_shell_where_they_must_be() {
        assert_eq!(quoted("a=b"), "a=b");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
