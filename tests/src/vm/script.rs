//! A machine started as by a user: `scripts/run.sh`, which has a socket for its terminal. What it
//! makes beside the files it was asked for lies in the machine's directory, and ends with it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::thread;

use super::streams::{forward_serial, keys_of};
use super::{PATIENCE, Vm};
use crate::builder::Builder;
use crate::exit;
use crate::scratch::{Scratch, workspace};

impl Vm {
    /// Starts the machine of `builder` with its options of `scripts/run.sh`.
    pub(crate) fn by_script(builder: &Builder, scratch: Scratch) -> io::Result<Self> {
        let (serial, terminal) = UnixStream::pair()?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(workspace().join("scripts/run.sh"));
        command.args(builder.options()).env("TMPDIR", scratch.path());
        if let Some(typed) = &builder.typed {
            command.current_dir(&typed.folder);
        }
        // What a test wants to know of the machine, and to have of it should it fail.
        if builder.folder().is_none() {
            command.arg("--keep").arg(scratch.kept());
        }
        let listener = match builder.bochs {
            true => None,
            false => {
                command.arg("--gdb-socket").arg(scratch.gdb());
                command.arg("--qmp").arg(scratch.monitor());
                Some(UnixListener::bind(scratch.monitor())?)
            }
        };
        let child = command
            .stdin(OwnedFd::from(terminal.try_clone()?))
            .stdout(OwnedFd::from(terminal))
            .stderr(File::create(scratch.errors())?)
            .spawn()?;
        let keys = keys_of(serial.try_clone()?);
        let (mut vm, sender) = Self::new(child, keys, scratch);
        vm.script = true;
        let said = sender.clone();
        thread::spawn(move || forward_serial(serial, &said));
        if let Some(listener) = listener {
            vm.await_monitor(&listener, sender, builder.limit)?;
        }
        Ok(vm)
    }

    /// Tells the script to end, which ends its emulator before.
    pub(super) fn end_script(&mut self) {
        let pid = self.child.id().to_string();
        if Command::new("kill").arg(pid).status().is_ok() {
            self.wait(PATIENCE);
        }
    }
}

/// QEMU's exit code for the end that `scripts/run.sh` tells by `code`; others stay what they are.
pub(super) fn as_of_qemu(code: i32) -> i32 {
    match code {
        0 => exit::SUCCESS,
        1 => exit::PROGRAM_FAILED,
        3 => exit::PANIC,
        other => other,
    }
}
