//! One QEMU process and its two sockets: the serial line and the QMP monitor.
//!
//! [`Vm`] starts QEMU, delivers what it says as [`Event`]s in order, and ends it when dropped. It
//! knows nothing of what the guest prints. QEMU connects to sockets that exist before it starts, in
//! a directory of its own; no TCP port is used. `setpriv` asks the kernel to kill QEMU when the
//! thread that started it ends, so nothing survives a killed test run either. `bochs` is the same for
//! a machine in Bochs, which has no monitor.

mod bochs;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::scratch::Scratch;

/// How long QEMU may take to open its sockets, to answer its monitor, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(20);
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
    serial: UnixStream,
    /// Not of Bochs.
    monitor: Option<UnixStream>,
    events: Receiver<Event>,
    /// Events that arrived while an answer of the monitor was awaited.
    queued: VecDeque<Event>,
    status: Option<ExitStatus>,
    scratch: Scratch,
}

impl Vm {
    /// Starts QEMU with `arguments`, to which the sockets in `scratch` are added.
    pub(crate) fn start(arguments: &[String], scratch: Scratch) -> io::Result<Self> {
        let serial = UnixListener::bind(scratch.serial())?;
        let monitor = UnixListener::bind(scratch.monitor())?;
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
            .args(arguments)
            .arg("-serial")
            .arg(unix_address(scratch.serial()))
            .arg("-qmp")
            .arg(unix_address(scratch.monitor()))
            .arg("-gdb")
            .arg(unix_address(scratch.gdb()) + ",server=on,wait=off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(scratch.errors())?)
            .spawn()?;
        let connected = accept(&serial, &mut child).and_then(|serial| {
            let monitor = accept(&monitor, &mut child)?;
            Ok((serial, monitor))
        });
        let (serial, monitor) = match connected {
            Ok(sockets) => sockets,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = std::fs::read_to_string(scratch.errors()).unwrap_or_default();
                return Err(io::Error::other(format!("QEMU: {error}: {}", said.trim())));
            }
        };
        let (sender, events) = channel();
        let (bytes, lines) = (serial.try_clone()?, monitor.try_clone()?);
        let replies = sender.clone();
        thread::spawn(move || forward_serial(bytes, &sender));
        thread::spawn(move || forward_monitor(lines, &replies));
        let mut vm = Self {
            child,
            serial,
            monitor: Some(monitor),
            events,
            queued: VecDeque::new(),
            status: None,
            scratch,
        };
        vm.command("qmp_capabilities", json!({}))?;
        Ok(vm)
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

    /// Types bytes on the serial line.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.serial.write_all(bytes)
    }

    /// Gives the monitor a command and returns what it answers.
    pub(crate) fn command(&mut self, name: &str, arguments: Value) -> io::Result<Value> {
        let Some(monitor) = &mut self.monitor else {
            return Err(io::Error::other(format!("QMP {name}: Bochs has no monitor")));
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
        Some(if self.monitor.is_some() { code } else { bochs::as_of_qemu(code) })
    }

    /// Ends QEMU in good order, if it still runs.
    pub(crate) fn quit(&mut self) {
        if self.command("quit", json!({})).is_ok() {
            self.wait(PATIENCE);
        }
    }

    /// QEMU's process id.
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

/// Waits for QEMU to connect, but not when it has already ended.
fn accept(listener: &UnixListener, child: &mut Child) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) => {}
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("did not start: {status}")));
        }
        if Instant::now() > deadline {
            return Err(io::Error::other("does not open its sockets"));
        }
        thread::sleep(POLL);
    }
}

fn forward_serial(mut stream: UnixStream, events: &Sender<Event>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if events.send(Event::Serial(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
    let _ = events.send(Event::Closed);
}

fn forward_monitor(stream: UnixStream, events: &Sender<Event>) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        let event = if message.get("event").is_some() {
            Event::Monitor(message)
        } else if message.get("QMP").is_some() {
            continue;
        } else {
            Event::Answer(message)
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
