//! One QEMU process: its serial line, on the standard streams, and its QMP monitor, on a socket.
//!
//! [`Vm`] starts QEMU, delivers what it says as [`Event`]s in order, and ends it when dropped. It
//! knows nothing of what the guest prints. QEMU connects to a socket that exists before it starts,
//! in a directory of its own; no TCP port is used. `setpriv` asks the kernel to kill QEMU when the
//! thread that started it ends, so nothing survives a killed test run either. `script` is the same for
//! a machine that `scripts/run.sh` starts, in Bochs, which has no monitor, or as a document says.

mod script;
mod streams;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scratch::Scratch;

use streams::{Growing, accept, forward_monitor, forward_serial, keys_of};

/// How long QEMU may take to open its sockets, to answer its monitor, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Something that came from QEMU.
#[derive(Debug)]
pub(crate) enum Event {
    /// Bytes on the serial line.
    Serial(Vec<u8>),
    /// The serial line closed: QEMU ends.
    Closed,
    /// An asynchronous message of the monitor.
    Monitor(Value),
    /// An answer of the monitor.
    Answer(Value),
}

/// A running QEMU; dropping it kills the process and removes its directory.
pub(crate) struct Vm {
    child: Child,
    /// `child` is `scripts/run.sh`, not QEMU.
    script: bool,
    keys: Sender<Vec<u8>>,
    /// Bochs has none.
    monitor: Option<UnixStream>,
    events: Receiver<Event>,
    /// Events that arrived while an answer of the monitor was awaited.
    queued: VecDeque<Event>,
    status: Option<ExitStatus>,
    scratch: Scratch,
}

/// Where QEMU writes what comes on the serial line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Console {
    /// Into a pipe.
    Pipe,
    /// Into a file, which takes everything at once. When a byte has to be written again, a recording
    /// does not know when that was, and cannot be replayed beyond it.
    File,
}

impl Vm {
    /// Starts QEMU with `arguments`, to which what it needs of `scratch` is added.
    pub(crate) fn start(
        arguments: &[String],
        console: Console,
        scratch: Scratch,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(scratch.monitor())?;
        let (output, file) = match console {
            Console::Pipe => (Stdio::piped(), None),
            Console::File => {
                let writer = File::create(scratch.console())?;
                (writer.into(), Some(File::open(scratch.console())?))
            }
        };
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
            .args(arguments)
            .args(["-serial", "stdio", "-qmp"])
            .arg(unix_address(scratch.monitor()))
            .arg("-gdb")
            .arg(unix_address(scratch.gdb()) + ",server=on,wait=off")
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(File::create(scratch.errors())?)
            .spawn()?;
        let keys = keys_of(child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?);
        let pipe = child.stdout.take();
        let (mut vm, sender) = Self::new(child, keys, scratch);
        let listening = vm.await_monitor(&listener, sender.clone(), PATIENCE)?;
        match (pipe, file) {
            (_, Some(file)) => {
                let file = Growing { file, ended: move || listening.is_finished() };
                thread::spawn(move || forward_serial(file, &sender));
            }
            (Some(pipe), None) => _ = thread::spawn(move || forward_serial(pipe, &sender)),
            (None, None) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        Ok(vm)
    }

    /// One without a monitor, and where to send what comes from it.
    fn new(child: Child, keys: Sender<Vec<u8>>, scratch: Scratch) -> (Self, Sender<Event>) {
        let (sender, events) = channel();
        let queued = VecDeque::new();
        let (script, monitor, status) = (false, None, None);
        (Self { child, script, keys, monitor, events, queued, status, scratch }, sender)
    }

    /// Waits until QEMU has joined its monitor to the socket; the thread that listens to it from then
    /// on. QEMU's gdb stub is there then, too.
    fn await_monitor(
        &mut self,
        socket: &UnixListener,
        events: Sender<Event>,
        patience: Duration,
    ) -> io::Result<JoinHandle<()>> {
        let monitor = accept(socket, &mut self.child, patience).map_err(|error| {
            let said = fs::read_to_string(self.scratch.errors()).unwrap_or_default();
            io::Error::other(format!("{error}: {}", said.trim()))
        })?;
        let lines = monitor.try_clone()?;
        self.monitor = Some(monitor);
        let listening = thread::spawn(move || forward_monitor(lines, &events));
        self.command("qmp_capabilities", json!({}))?;
        Ok(listening)
    }

    /// The next event, or `None` when there is none before `deadline`.
    pub(crate) fn next(&mut self, deadline: Instant) -> Option<Event> {
        if let Some(event) = self.queued.pop_front() {
            return Some(event);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match self.events.recv_timeout(left) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Event::Closed),
        }
    }

    /// Types bytes on the serial line; the machine takes them when it can.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.keys.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Gives the monitor a command and returns what it answers.
    pub(crate) fn command(&mut self, name: &str, arguments: Value) -> io::Result<Value> {
        let Some(monitor) = &mut self.monitor else {
            return Err(io::Error::other(format!("QMP {name}: there is no monitor")));
        };
        let request = json!({ "execute": name, "arguments": arguments });
        writeln!(monitor, "{request}")?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(Event::Answer(mut answer)) => {
                    return match answer.get_mut("return") {
                        Some(value) => Ok(value.take()),
                        None => Err(io::Error::other(format!("QMP {name}: {answer}"))),
                    };
                }
                Ok(event) => self.queued.push_back(event),
                Err(error) => return Err(io::Error::other(format!("QMP {name}: {error}"))),
            }
        }
    }

    /// Waits for the process to end; `None` when it does not.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        while self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
            if self.status.is_none() {
                if Instant::now() > deadline {
                    return None;
                }
                thread::sleep(POLL);
            }
        }
        self.status
    }

    /// Waits for the process to end; its exit code as it is, or would be, QEMU's.
    pub(crate) fn exit_code(&mut self, limit: Duration) -> Option<i32> {
        let code = self.wait(limit)?.code()?;
        Some(if self.script { script::as_of_qemu(code) } else { code })
    }

    /// Ends QEMU in good order, if it still runs.
    pub(crate) fn quit(&mut self) {
        if self.command("quit", json!({})).is_ok() {
            self.wait(PATIENCE);
        }
    }

    /// QEMU's process id, or that of the script that started it.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its sockets and files lie.
    pub(crate) fn scratch(&self) -> &Scratch {
        &self.scratch
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        if self.wait(Duration::ZERO).is_none() && self.script {
            self.end_script();
        }
        if self.status.is_none() {
            // It may have ended by itself in the meantime; `wait` collects it either way.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn unix_address(path: &Path) -> String {
    format!("unix:{}", path.display())
}
