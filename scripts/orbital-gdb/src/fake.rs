//! A stub for tests: a machine whose history is a list of register values.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use crate::hex;
use crate::machine::Machine;
use crate::packet::{Decoder, Item, Speaker, frame};
use crate::wires::Wires;

/// The registers it has, in the order of its `g` packet; all have 64 bits.
pub(crate) const REGISTERS: [&str; 14] = [
    "rax", "rbx", "rcx", "rdi", "rsi", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip", "cs", "cr3",
];

/// What happens in one instruction: which registers get which values. `watch` is none: the address
/// of an access, which stops a step forward.
pub(crate) type Moment = Vec<(&'static str, u64)>;

#[derive(Default)]
struct State {
    registers: HashMap<&'static str, u64>,
    memory: BTreeMap<u64, u8>,
    physical: BTreeMap<u64, u8>,
    physically: bool,
    inserted: BTreeSet<String>,
    future: VecDeque<Moment>,
    running: bool,
    heard: Vec<String>,
}

/// What a test sees of the stub.
#[derive(Clone, Default)]
pub(crate) struct Stub(Arc<Mutex<State>>);

/// A machine behind a stub, and nobody who plays gdb.
pub(crate) fn machine() -> (Machine, Stub) {
    let (wires, stub, _gdb) = wires();
    (Machine::connect(wires).unwrap(), stub)
}

/// Wires to a stub, and the other end of those to gdb.
pub(crate) fn wires() -> (Wires, Stub, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (gdb, gdb_end) = UnixStream::pair().unwrap();
    let stub = Stub::default();
    let served = stub.clone();
    thread::spawn(move || served.serve(theirs));
    let pair = |stream: UnixStream| (stream.try_clone().unwrap(), stream);
    (Wires::new(pair(gdb), pair(ours)), stub, gdb_end)
}

/// An offset table with these entries.
pub(crate) fn table(version: u32, entries: &[(&str, u64)]) -> Vec<u8> {
    let mut bytes = b"ORBITAL\0".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend((entries.len() as u32).to_le_bytes());
    for (name, value) in entries {
        let mut padded = [0; 32];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        bytes.extend(padded);
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

impl Stub {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Puts bytes at a virtual address, the same in all page tables.
    pub(crate) fn put(&self, address: u64, bytes: &[u8]) {
        self.state().memory.extend((address..).zip(bytes.iter().copied()));
    }

    pub(crate) fn put_word(&self, address: u64, word: u64) {
        self.put(address, &word.to_le_bytes());
    }

    pub(crate) fn put_physical(&self, address: u64, bytes: &[u8]) {
        self.state().physical.extend((address..).zip(bytes.iter().copied()));
    }

    pub(crate) fn word(&self, address: u64) -> u64 {
        let state = self.state();
        (0..8).rev().fold(0, |word, at| word << 8 | u64::from(state.memory[&(address + at)]))
    }

    pub(crate) fn set(&self, moment: Moment) {
        self.state().registers.extend(moment);
    }

    /// What is going to happen, an instruction at a time; after that the machine runs for ever.
    pub(crate) fn future(&self, moments: Vec<Moment>) {
        self.state().future.extend(moments);
    }

    pub(crate) fn inserted(&self) -> Vec<String> {
        self.state().inserted.iter().cloned().collect()
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.state().heard.clone()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state().running
    }

    fn serve(self, mut stream: UnixStream) {
        let mut decoder = Decoder::new(Speaker::Gdb);
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() {
            let answer = match decoder.push(byte[0]) {
                Some(Item::Packet(data)) => {
                    stream.write_all(b"+").unwrap();
                    self.state().answer(&String::from_utf8(data).unwrap())
                }
                Some(Item::Interrupt) if std::mem::take(&mut self.state().running) => {
                    Some("T02thread:01;".to_owned())
                }
                _ => None,
            };
            if let Some(answer) = answer {
                stream.write_all(&frame(answer.as_bytes())).unwrap();
            }
        }
    }
}

impl State {
    fn answer(&mut self, packet: &str) -> Option<String> {
        self.heard.push(packet.to_owned());
        let (head, rest) = packet.split_at(packet.len().min(1));
        Some(match head {
            "g" => self.all_registers(),
            "m" => self.read(rest),
            "M" => self.write(rest),
            "P" => self.set_register(rest),
            // Like QEMU, which has no watchpoint of that length.
            "Z" if rest.ends_with(",100000") => "E22".to_owned(),
            "Z" => {
                self.inserted.insert(rest.to_owned());
                "OK".to_owned()
            }
            "z" => {
                self.inserted.remove(rest);
                "OK".to_owned()
            }
            "s" if self.advance() => match self.registers.remove("watch") {
                Some(address) => format!("T05watch:{address:x};thread:01;"),
                None => "T05thread:01;".to_owned(),
            },
            "s" => return None,
            "c" => return self.run(),
            // Its past is the rest of its future, and ends.
            "b" if self.future.is_empty() => "E14".to_owned(),
            "b" if rest == "s" => self.advance().then(|| "T05thread:01;".to_owned())?,
            "b" => return self.run(),
            // QEMU wants a process where it was told that we know processes.
            "D" if self.heard.iter().any(|packet| packet.contains("multiprocess+")) => {
                "E22".to_owned()
            }
            "D" => {
                self.running = true;
                "OK".to_owned()
            }
            _ => self.query(packet),
        })
    }

    fn query(&mut self, packet: &str) -> String {
        if packet.starts_with("qSupported") {
            return "PacketSize=1000;qXfer:features:read+;ReverseStep+".to_owned();
        }
        if packet.starts_with("qXfer:features:read:") {
            let reg = |name: &&str| format!("<reg name=\"{name}\" bitsize=\"64\"/>");
            return format!("l{}", REGISTERS.iter().map(reg).collect::<String>());
        }
        if let Some(on) = packet.strip_prefix("Qqemu.PhyMemMode:") {
            self.physically = on == "1";
            return "OK".to_owned();
        }
        if packet.starts_with("qRcmd,") { "OK".to_owned() } else { String::new() }
    }

    fn all_registers(&self) -> String {
        let value = |name: &&str| self.registers.get(*name).copied().unwrap_or(0);
        REGISTERS.iter().map(|name| hex::encode(&value(name).to_le_bytes())).collect()
    }

    fn set_register(&mut self, rest: &str) -> String {
        let (number, value) = rest.split_once('=').unwrap();
        let bytes = hex::decode(value).unwrap();
        let name = REGISTERS[hex::number(number).unwrap() as usize];
        self.registers.insert(name, u64::from_le_bytes(bytes.try_into().unwrap()));
        "OK".to_owned()
    }

    fn read(&self, rest: &str) -> String {
        let memory = if self.physically { &self.physical } else { &self.memory };
        let (address, length) = hex::pair(rest).unwrap();
        let bytes: Option<Vec<u8>> =
            (address..address + length).map(|at| memory.get(&at).copied()).collect();
        bytes.map_or("E14".to_owned(), |bytes| hex::encode(&bytes))
    }

    fn write(&mut self, rest: &str) -> String {
        let memory = if self.physically { &mut self.physical } else { &mut self.memory };
        let (place, bytes) = rest.split_once(':').unwrap();
        let (address, _) = hex::pair(place).unwrap();
        memory.extend((address..).zip(hex::decode(bytes).unwrap()));
        "OK".to_owned()
    }

    fn advance(&mut self) -> bool {
        let moment = self.future.pop_front();
        self.running = moment.is_none();
        self.registers.extend(moment.into_iter().flatten());
        !self.running
    }

    fn run(&mut self) -> Option<String> {
        while self.advance() {
            let rip = format!(",{:x},", self.registers["rip"]);
            if self.inserted.iter().any(|place| place.contains(&rip)) {
                return Some("T05thread:01;".to_owned());
            }
        }
        None
    }
}
