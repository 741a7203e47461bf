//! A machine started as by a user: `scripts/run.sh`, which has a socket for its terminal. What it
//! makes beside the files it was asked for lies in the machine's directory, and ends with it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::channel;
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
            // Where a person would have a port.
            command.arg("--gdb-socket").arg(scratch.gdb()).current_dir(&typed.folder);
        }
        let child = command
            .stdin(OwnedFd::from(terminal.try_clone()?))
            .stdout(OwnedFd::from(terminal))
            .stderr(File::create(scratch.errors())?)
            .spawn()?;
        let (sender, events) = channel();
        let keys = keys_of(serial.try_clone()?);
        thread::spawn(move || forward_serial(serial, &sender));
        Ok(Self {
            child,
            keys,
            monitor: None,
            events,
            queued: VecDeque::new(),
            status: None,
            scratch,
        })
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
