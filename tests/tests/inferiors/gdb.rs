//! gdb with a list of commands, on a machine, through `scripts/gdb.sh`.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use orbital_tests::{Machine, Result, workspace};

const PREAMBLE: &str = "set width 0\nset print thread-events off\n";

/// Commands for gdb.
pub(crate) struct Gdb {
    options: Vec<String>,
    script: String,
}

impl Gdb {
    /// Every task is an inferior.
    pub(crate) fn on(machine: &Machine) -> Self {
        Self::at(machine.gdb_socket(), &[])
    }

    /// QEMU's stub without us.
    pub(crate) fn plain(machine: &Machine) -> Self {
        Self::at(machine.gdb_socket(), &["--plain"])
    }

    /// On the stub behind that socket.
    pub(crate) fn at(socket: &Path, options: &[&str]) -> Self {
        let mut options: Vec<_> = options.iter().map(|&option| option.to_owned()).collect();
        options.push(socket.display().to_string());
        Self { options, script: PREAMBLE.to_owned() }
    }

    /// Adds commands.
    pub(crate) fn run(mut self, commands: &[impl AsRef<str>]) -> Self {
        for command in commands {
            self.script.push_str(command.as_ref());
            self.script.push('\n');
        }
        self
    }

    /// Prints a number, which [`numbers`] finds.
    pub(crate) fn prints(self, expression: &str) -> Self {
        self.run(&[format!("printf \"<%d>\\n\", {expression}")])
    }

    /// Goes on so many times, and prints after each stop which inferior has stopped.
    pub(crate) fn stops(self, count: usize) -> Self {
        (0..count).fold(self, |gdb, _| gdb.run(&["continue"]).prints("$_inferior"))
    }

    /// Starts gdb with its output in a file, and with nothing to read on its standard input.
    pub(crate) fn start(&self) -> Result<(Child, PathBuf)> {
        let folder = std::env::temp_dir().join(format!(
            "orbital-test-{}-gdb-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::create_dir_all(&folder)?;
        let (script, output) = (folder.join("script"), folder.join("output"));
        std::fs::write(&script, &self.script)?;
        let (reader, _kept_open) = io::pipe()?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(workspace().join("scripts/gdb.sh"));
        command.args(&self.options).args(["--", "-batch", "-x"]).arg(script);
        let output_file = File::options().create(true).append(true).open(&output)?;
        command.stdin(reader).stdout(output_file.try_clone()?).stderr(output_file);
        command.process_group(0);
        Ok((command.spawn()?, output))
    }

    /// What gdb says, once it has ended.
    pub(crate) fn finish(self) -> Result<String> {
        let (mut child, output) = self.start()?;
        child.wait()?;
        let said = std::fs::read_to_string(&output)?;
        if let Some(folder) = output.parent() {
            std::fs::remove_dir_all(folder)?;
        }
        Ok(said)
    }
}

/// How often `part` is in `text`.
pub(crate) fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

/// The numbers in lines that are `<NUMBER>`.
pub(crate) fn numbers(text: &str) -> Vec<u64> {
    let inside = |line: &str| line.strip_prefix('<')?.strip_suffix('>')?.parse().ok();
    text.lines().filter_map(inside).collect()
}
