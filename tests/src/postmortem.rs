//! What a debugger sees in a machine that stands still.
//!
//! A panic or a triple fault freezes the machine with its state; this runs gdb on its stub and puts
//! the backtrace into the test's failure.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::artifacts::Artifacts;
use crate::machine::Machine;

/// `thread apply all bt` of the frozen machine; `None` without a gdb or symbols.
pub(crate) fn backtrace(machine: &Machine) -> Option<String> {
    let symbols = Artifacts::locate(machine.builder.profile).ok()?.kernel_symbols();
    // gdb ends with us, and in time: a killed test run leaves neither it nor its watcher behind.
    let output = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "timeout", "--kill-after=1", "30"])
        .args(["setpriv", "--pdeathsig", "KILL", "--"])
        .args(gdb(&symbols, machine.gdb_socket()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let frames = text.split_once("\nThread ")?.1;
    // gdb's farewell.
    let frames = frames.split("\n[Inferior ").next().unwrap_or(frames);
    Some(format!("Thread {}", frames.trim_end()))
}

fn gdb(symbols: &Path, socket: &Path) -> Vec<String> {
    let commands = [
        "set pagination off".to_owned(),
        "set width 0".to_owned(),
        format!("target remote {}", socket.display()),
        "thread apply all bt".to_owned(),
    ];
    let mut words: Vec<String> = ["gdb", "-q", "-nx", "-batch"].map(str::to_owned).into();
    for command in commands {
        words.extend(["-ex".to_owned(), command]);
    }
    words.push(symbols.display().to_string());
    words
}
