//! What flows between QEMU and a test, each stream on a thread of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Child;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Event, POLL};

/// Waits for QEMU to connect, but not when what starts it has already ended.
pub(super) fn accept(
    listener: &UnixListener,
    child: &mut Child,
    patience: Duration,
) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + patience;
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

/// Where to send what is to be typed; the other end takes it when it can.
pub(super) fn keys_of(mut line: impl Write + Send + 'static) -> Sender<Vec<u8>> {
    let (keys, typed) = channel::<Vec<u8>>();
    thread::spawn(move || {
        while let Ok(bytes) = typed.recv()
            && line.write_all(&bytes).is_ok()
        {}
    });
    keys
}

/// A file that somebody else writes, until `ended` says that nothing more comes.
pub(super) struct Growing<F> {
    pub(super) file: File,
    pub(super) ended: F,
}

impl<F: Fn() -> bool> Read for Growing<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let last = (self.ended)();
            match self.file.read(buffer)? {
                0 if !last => thread::sleep(POLL),
                count => return Ok(count),
            }
        }
    }
}

pub(super) fn forward_serial(mut stream: impl Read, events: &Sender<Event>) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if events.send(Event::Serial(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
    let _ = events.send(Event::Closed);
}

pub(super) fn forward_monitor(stream: UnixStream, events: &Sender<Event>) {
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
