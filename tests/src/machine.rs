//! A running Orbital.
//!
//! [`Machine`] starts it, types, and reaches behind the scenes (QEMU's monitor, gdb's stub). What a
//! test expects to read is in `expect.rs`, how a step waits for it in `wait.rs`.

use std::cell::Cell;
use std::fs;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::builder::Builder;
use crate::evidence;
use crate::image;
use crate::log::Log;
use crate::pattern::Pattern;
use crate::scratch::Scratch;
use crate::screen::Screen;
use crate::slots::Slot;
use crate::vm::{Console, Vm};
use crate::wait::Trouble;
use crate::{Failure, Result};

/// A virtual machine and how far the test has read its output. Dropping it ends QEMU.
///
/// It stays on the thread that booted it: QEMU is killed when that thread ends.
pub struct Machine {
    pub(crate) vm: Vm,
    pub(crate) screen: Screen,
    /// Everything before this offset of the screen's text has been matched.
    pub(crate) cursor: usize,
    /// A prompt is still to come: the machine boots, or carries out a command.
    pub(crate) answering: bool,
    pub(crate) refused: Vec<Pattern>,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) log: Log,
    pub(crate) builder: Builder,
    /// A step failed in a debugger on this machine.
    pub(crate) blamed: Rc<Cell<bool>>,
    /// A failure has told all about it.
    pub(crate) explained: bool,
    _slot: Rc<Slot>,
}

/// A saved machine: QEMU's state file, and what was on the screen then.
pub(crate) struct Saved<'a> {
    pub(crate) state: &'a Path,
    pub(crate) screen: &'a [u8],
}

impl Machine {
    /// A machine with every setting at its default.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(
        builder: Builder,
        place: &Location<'_>,
        saved: Option<Saved<'_>>,
    ) -> Result<Self> {
        let name = builder.name.clone();
        let log = Log::new(name, place).map_err(|error| Failure::at(place, error.to_string()))?;
        Self::try_start(builder, log, saved)
            .map_err(|error| Failure::at(place, format!("the machine does not start: {error}")))
    }

    fn try_start(builder: Builder, log: Log, saved: Option<Saved<'_>>) -> io::Result<Self> {
        let slot = Slot::acquire()?;
        let vm = match builder.by_script() {
            true => Vm::by_script(&builder, Scratch::new()?)?,
            false => Self::start_qemu(&builder, saved.as_ref())?,
        };
        let mut machine = Self {
            vm,
            screen: Screen::default(),
            cursor: 0,
            answering: saved.is_none(),
            refused: Vec::new(),
            trouble: None,
            log,
            builder,
            blamed: Rc::default(),
            explained: false,
            _slot: slot,
        };
        if let Some(saved) = saved {
            machine.receive(saved.screen);
            machine.vm.resume_incoming()?;
        }
        Ok(machine)
    }

    fn start_qemu(builder: &Builder, saved: Option<&Saved<'_>>) -> io::Result<Vm> {
        let image = image::image(builder)?;
        let scratch = Scratch::new()?;
        let mut arguments = image::machine_arguments(builder)?;
        let (devices, console) = match builder.record {
            true => (evidence::recording_arguments(&image, scratch.path())?, Console::File),
            false => (image::disk_arguments(&image), Console::Pipe),
        };
        arguments.extend(devices);
        if builder.traced {
            let file = format!("file:{}", scratch.trace().display());
            arguments.extend(["-debugcon".to_owned(), file]);
        }
        if builder.wait_for_gdb {
            arguments.push("-S".to_owned());
        }
        if let Some(saved) = saved {
            let source = format!("exec:cat '{}'", saved.state.display());
            arguments.extend(["-incoming".to_owned(), source]);
        }
        Vm::start(&arguments, console, scratch)
    }

    /// Types text as it is; `\r` is the Enter key, `\x03` Ctrl-C.
    ///
    /// # Errors
    /// The machine has ended.
    #[track_caller]
    pub fn send(&mut self, text: &str) -> Result {
        let place = Location::caller();
        self.answering = false;
        self.vm
            .write(text.as_bytes())
            .map_err(|error| self.failure(place, &format!("cannot type {text:?}: {error}")))
    }

    /// Types a line and the Enter key, whatever the machine is doing.
    ///
    /// # Errors
    /// The machine has ended.
    #[track_caller]
    pub fn send_line(&mut self, line: &str) -> Result {
        self.send(&format!("{line}\r"))
    }

    /// Everything that came so far, without escape sequences.
    #[must_use]
    pub fn transcript(&self) -> &str {
        self.screen.text()
    }

    /// Every byte that came so far, as it came.
    ///
    /// # Errors
    /// The transcript's file cannot be read.
    pub fn raw(&self) -> Result<Vec<u8>> {
        Ok(fs::read(self.log.raw_path())?)
    }

    /// What a [`traced`](Builder::traced) machine that has ended wrote down, in the words of
    /// `kernel/src/record.rs`.
    ///
    /// # Errors
    /// There is nothing.
    pub fn trace(&self) -> Result<String> {
        Ok(fs::read_to_string(self.vm.scratch().trace())?)
    }

    /// Sets how long each later step may take, and returns what it was.
    pub fn set_limit(&mut self, limit: Duration) -> Duration {
        std::mem::replace(&mut self.builder.limit, limit)
    }

    /// Gives QEMU a command of the QMP protocol and returns its answer.
    ///
    /// # Errors
    /// QEMU refuses it or has ended.
    #[track_caller]
    pub fn qmp(&mut self, name: &str, arguments: Value) -> Result<Value> {
        let place = Location::caller();
        let answer = self.vm.command(name, arguments);
        answer.map_err(|error| self.failure(place, &error.to_string()))
    }

    /// Gives QEMU a command of its human monitor, such as `sendkey ret` or `nmi`.
    ///
    /// # Errors
    /// QEMU has ended.
    #[track_caller]
    pub fn monitor(&mut self, line: &str) -> Result<String> {
        let answer = self.qmp("human-monitor-command", json!({ "command-line": line }))?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }

    /// The socket of QEMU's gdb stub: `target remote PATH`.
    #[must_use]
    pub fn gdb_socket(&self) -> &Path {
        self.vm.scratch().gdb()
    }

    /// How long a step may take.
    pub(crate) fn limit(&self) -> Duration {
        self.builder.limit
    }

    /// QEMU's process id.
    #[must_use]
    pub fn qemu_pid(&self) -> u32 {
        self.vm.pid()
    }

    /// Processor time that QEMU has used on the host.
    ///
    /// # Errors
    /// QEMU has ended.
    #[track_caller]
    pub fn host_cpu_time(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.qemu_pid()))?;
        // The fields after the command's name, which is in parentheses and may hold blanks.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let ticks: u64 = fields
            .split_ascii_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        // Linux counts these in hundredths of a second on every machine (USER_HZ).
        Ok(Duration::from_millis(ticks * 10))
    }
}
