//! The two connections: gdb on one side, QEMU's stub on the other, each read by a thread.
//!
//! gdb may interrupt at any time and either side may go away, so whoever waits for one side hears
//! of the other too. What gdb says while an answer of the stub is awaited is kept until it is asked for.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::mem;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::packet::{Decoder, Item, Speaker, frame};

/// Why nothing more can be said.
#[derive(Debug)]
pub enum Error {
    /// gdb closed its connection.
    GdbGone,
    /// QEMU closed its connection.
    StubGone,
    /// One of them cannot be written to.
    Io(io::Error),
    /// QEMU or the kernel is not as it must be.
    Unexpected(String),
}

/// A result of talking to either side.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GdbGone => f.write_str("gdb is gone"),
            Self::StubGone => f.write_str("QEMU is gone"),
            Self::Io(error) => error.fmt(f),
            Self::Unexpected(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// What comes while the machine runs.
#[derive(PartialEq, Eq, Debug)]
pub enum Heard {
    /// A packet of the stub.
    Stub(Vec<u8>),
    /// gdb's Ctrl-C.
    Interrupt,
    /// gdb has gone.
    GdbGone,
}

/// Both connections.
pub struct Wires {
    gdb: Side,
    stub: Side,
    heard: Receiver<Said>,
    /// What came and was not asked for yet.
    queue: VecDeque<Said>,
    /// Whether gdb has interrupted while the machine stood still.
    interrupted: bool,
}

/// Who said what; `None`: that it has gone.
type Said = (Speaker, Option<Item>);

struct Side {
    writer: Box<dyn Write + Send>,
    acknowledged: bool,
    last: Vec<u8>,
}

impl Wires {
    /// Starts to listen on both.
    pub fn new(
        gdb: (impl Read + Send + 'static, impl Write + Send + 'static),
        stub: (impl Read + Send + 'static, impl Write + Send + 'static),
    ) -> Self {
        let (sender, heard) = channel();
        let to_stub = sender.clone();
        thread::spawn(move || listen(gdb.0, Speaker::Gdb, &sender));
        thread::spawn(move || listen(stub.0, Speaker::Stub, &to_stub));
        let side =
            |writer: Box<dyn Write + Send>| Side { writer, acknowledged: true, last: Vec::new() };
        Self {
            gdb: side(Box::new(gdb.1)),
            stub: side(Box::new(stub.1)),
            heard,
            queue: VecDeque::new(),
            interrupted: false,
        }
    }

    /// Sends the stub a packet and returns its answer. No answer starts with `T`: that is a stop
    /// nobody waits for, such as QEMU's when we connect to a machine that runs.
    pub fn ask(&mut self, data: &[u8]) -> Result<Vec<u8>> {
        self.tell(data)?;
        loop {
            let answer = self.hear()?;
            if !answer.starts_with(b"T") {
                return Ok(answer);
            }
        }
    }

    /// The stub's next packet.
    pub fn hear(&mut self) -> Result<Vec<u8>> {
        loop {
            let item = self.next_of(Speaker::Stub)?.ok_or(Error::StubGone)?;
            if let Some(data) = self.stub.accept(item)? {
                return Ok(data);
            }
        }
    }

    /// Sends the stub a packet whose answer may take long.
    pub fn tell(&mut self, data: &[u8]) -> Result<()> {
        self.stub.send(data)
    }

    /// Makes the stub stop the machine.
    pub fn interrupt(&mut self) -> Result<()> {
        self.stub.raw(b"\x03")
    }

    /// Waits for the stub, or for gdb to interrupt or to go.
    pub fn listen(&mut self) -> Result<Heard> {
        loop {
            if let Some(heard) = self.take_interrupt() {
                return Ok(heard);
            }
            if let Some(at) = self.position(|(speaker, _)| *speaker == Speaker::Stub) {
                let item = self.queue.remove(at).and_then(|(_, item)| item);
                if let Some(data) = self.stub.accept(item.ok_or(Error::StubGone)?)? {
                    return Ok(Heard::Stub(data));
                }
            } else {
                let next = self.receive()?;
                self.queue.push_back(next);
            }
        }
    }

    /// Whether gdb has interrupted, or gone, since it was last listened to.
    pub fn take_interrupt(&mut self) -> Option<Heard> {
        self.queue.extend(self.heard.try_iter());
        if self.queue.contains(&(Speaker::Gdb, None)) {
            return Some(Heard::GdbGone);
        }
        if mem::take(&mut self.interrupted) {
            return Some(Heard::Interrupt);
        }
        let at = self.position(|heard| *heard == (Speaker::Gdb, Some(Item::Interrupt)))?;
        self.queue.remove(at);
        Some(Heard::Interrupt)
    }

    /// gdb's next packet. An interrupt before it is for the next run: `next` is many steps, and to
    /// gdb the machine runs in between as well.
    pub fn command(&mut self) -> Result<Vec<u8>> {
        loop {
            let item = self.next_of(Speaker::Gdb)?.ok_or(Error::GdbGone)?;
            self.interrupted |= item == Item::Interrupt;
            if let Some(data) = self.gdb.accept(item)? {
                return Ok(data);
            }
        }
    }

    /// Answers gdb.
    pub fn reply(&mut self, data: &[u8]) -> Result<()> {
        self.gdb.send(data)
    }

    /// From now on neither gdb nor we acknowledge packets (`QStartNoAckMode`).
    pub fn stop_acknowledging(&mut self) {
        self.gdb.acknowledged = false;
    }

    /// The next item of one side; what the other says meanwhile is kept.
    fn next_of(&mut self, wanted: Speaker) -> Result<Option<Item>> {
        loop {
            let at = self.position(|(speaker, _)| *speaker == wanted);
            if let Some((_, item)) = at.and_then(|at| self.queue.remove(at)) {
                return Ok(item);
            }
            let next = self.receive()?;
            if next == (Speaker::Stub, None) {
                return Err(Error::StubGone);
            }
            self.queue.push_back(next);
        }
    }

    fn position(&self, wanted: impl FnMut(&Said) -> bool) -> Option<usize> {
        self.queue.iter().position(wanted)
    }

    fn receive(&mut self) -> Result<Said> {
        self.heard.recv().map_err(|_| Error::StubGone)
    }
}

impl Side {
    /// Acknowledges an item and returns the data if it is a packet.
    fn accept(&mut self, item: Item) -> Result<Option<Vec<u8>>> {
        match item {
            Item::Packet(data) => {
                if self.acknowledged {
                    self.raw(b"+")?;
                }
                Ok(Some(data))
            }
            Item::Damaged => self.raw(b"-").map(|()| None),
            Item::Nack => {
                let last = self.last.clone();
                self.raw(&last).map(|()| None)
            }
            Item::Ack | Item::Interrupt => Ok(None),
        }
    }

    fn send(&mut self, data: &[u8]) -> Result<()> {
        self.last = frame(data);
        let packet = self.last.clone();
        self.raw(&packet)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes)?;
        Ok(self.writer.flush()?)
    }
}

fn listen(mut from: impl Read, speaker: Speaker, to: &Sender<Said>) {
    let mut decoder = Decoder::new(speaker);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        for item in buffer[..count].iter().filter_map(|byte| decoder.push(*byte)) {
            if to.send((speaker, Some(item))).is_err() {
                return;
            }
        }
    }
    // Nobody listens any more if this fails.
    let _ = to.send((speaker, None));
}
