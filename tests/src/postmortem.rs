//! gdb on QEMU's stub: for what a debugger sees in a machine that stands still, and for tests that
//! change a running one.
//!
//! A panic or a triple fault freezes the machine with its state; the failure then carries gdb's
//! backtrace.

use std::io;
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::Result;
use crate::evidence::Parts;
use crate::machine::Machine;

/// `thread apply all bt` of the frozen machine; `None` without a gdb or symbols.
pub(crate) fn backtrace(machine: &mut Machine) -> Option<String> {
    // The stub is for one at a time: a debugger that the test has there loses it.
    let stub = format!("\"unix:{},server=on,wait=off\"", machine.gdb_socket().display());
    for device in ["none", &stub] {
        let line = json!({ "command-line": format!("gdbserver {device}") });
        machine.vm.command("human-monitor-command", line).ok()?;
    }
    let output = gdb(machine, &["thread apply all bt"]).ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let frames = text.split_once("\nThread ")?.1;
    // gdb's farewell.
    let frames = frames.split("\n[Inferior ").next().unwrap_or(frames);
    Some(format!("Thread {}", frames.trim_end()))
}

impl Machine {
    /// Stops the machine, gives gdb these commands, lets the machine go on, and returns what gdb
    /// printed.
    ///
    /// # Errors
    /// There is no gdb, it cannot reach the machine, or the last command fails.
    #[track_caller]
    pub fn gdb(&mut self, commands: &[&str]) -> Result<String> {
        let output = gdb(self, commands)?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).as_ref().into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn gdb(machine: &Machine, commands: &[&str]) -> io::Result<Output> {
    let symbols = Parts::of(machine)?.kernel;
    let target = format!("target remote {}", machine.gdb_socket().display());
    let first = ["set pagination off", "set width 0", "set confirm off", &target];
    // gdb ends with us, and in time: a killed test run leaves neither it nor its watcher behind.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "timeout", "--kill-after=1", "60"]);
    command.args(["setpriv", "--pdeathsig", "KILL", "--", "gdb", "-q", "-nx", "-batch"]);
    for line in first.iter().chain(commands) {
        command.args(["-ex", line]);
    }
    command.arg(symbols).stdin(Stdio::null()).output()
}
