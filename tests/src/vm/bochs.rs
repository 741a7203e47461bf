//! A machine in Bochs, started as by a user: `scripts/run.sh --bochs`, which has a socket for its
//! terminal. All that it makes lies in the machine's directory, and ends with it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

use super::Vm;
use super::streams::{forward_serial, keys_of};
use crate::exit;
use crate::scratch::{Scratch, workspace};

impl Vm {
    /// Starts it with these options of `scripts/run.sh`.
    pub(crate) fn bochs(options: &[String], scratch: Scratch) -> io::Result<Self> {
        let (serial, terminal) = UnixStream::pair()?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--"])
            .arg(workspace().join("scripts/run.sh"))
            .args(options)
            .env("TMPDIR", scratch.path())
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
