//! The machine behind QEMU's gdb stub: its registers, its memory, its run.
//!
//! It stands still but inside [`Machine::resume`]. What was read from it is kept until then.

use std::collections::HashMap;

use crate::hex;
use crate::paging::{self, PAGE};
use crate::registers::{Layout, Registers};
use crate::stop::{RawStop, signal};
use crate::wires::{Error, Heard, Result, Wires};

/// Most bytes of memory in one packet: QEMU's packets hold 4096 characters.
const CHUNK: u64 = 0x700;

/// Ways to let the machine run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resume {
    /// Until something stops it.
    Continue,
    /// One instruction.
    Step,
    /// One instruction back.
    StepBack,
    /// Backwards until something stops it.
    ContinueBack,
}

impl Resume {
    fn packet(self) -> &'static [u8] {
        match self {
            Self::Continue => b"c",
            Self::Step => b"s",
            Self::StepBack => b"bs",
            Self::ContinueBack => b"bc",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Halt {
    /// What QEMU says.
    pub stop: RawStop,
    /// Whether gdb wanted it.
    pub interrupted: bool,
    /// Whether there was nothing to run: no history before this.
    pub refused: bool,
}

/// The machine.
pub struct Machine {
    /// Both connections.
    pub wires: Wires,
    /// What QEMU says of its registers: the part of the target description with the `reg` elements.
    pub description: String,
    /// Where each register lies in a `g` packet.
    pub layout: Layout,
    /// Whether QEMU can run it backwards.
    pub reverses: bool,
    registers: Option<Registers>,
    pages: HashMap<(u64, u64), Option<u64>>,
}

impl Machine {
    /// Asks the stub what it can do.
    pub fn connect(mut wires: Wires) -> Result<Self> {
        let features = wires.ask(b"qSupported")?;
        let reverses = String::from_utf8_lossy(&features).contains("ReverseStep+");
        let mut machine = Self {
            wires,
            description: String::new(),
            layout: Layout::default(),
            reverses,
            registers: None,
            pages: HashMap::new(),
        };
        // The stub answers memory requests only after it has been asked for the description.
        let target = machine.document("features:read:target.xml")?;
        let file = target.split_once("href=\"").and_then(|(_, rest)| rest.split_once('"'));
        let file = file.map_or("target.xml", |(file, _)| file);
        machine.description = machine.document(&format!("features:read:{file}"))?;
        machine.layout = Layout::from_xml(&machine.description)
            .ok_or_else(|| Error::Unexpected(format!("{file} of QEMU names no registers")))?;
        Ok(machine)
    }

    /// Sends a packet and returns the answer as text.
    pub fn ask(&mut self, packet: &str) -> Result<String> {
        let answer = self.wires.ask(packet.as_bytes())?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Gives QEMU's monitor a command, the packet `qRcmd`, and passes on what it prints; its answer.
    pub fn monitor(&mut self, packet: &str) -> Result<String> {
        let mut answer = self.wires.ask(packet.as_bytes())?;
        while answer.starts_with(b"O") && answer != b"OK" {
            self.wires.reply(&answer)?;
            answer = self.wires.hear()?;
        }
        self.forget();
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// All of a document that the stub hands out in parts.
    fn document(&mut self, name: &str) -> Result<String> {
        let mut text = String::new();
        loop {
            let part = self.ask(&format!("qXfer:{name}:{:x},{CHUNK:x}", text.len()))?;
            match part.split_at_checked(1) {
                Some(("m", part)) => text += part,
                Some(("l", part)) => return Ok(text + part),
                _ => return Err(Error::Unexpected(format!("QEMU has no {name}"))),
            }
        }
    }

    /// The registers of the CPU.
    pub fn registers(&mut self) -> Result<Registers> {
        if let Some(registers) = &self.registers {
            return Ok(registers.clone());
        }
        let registers = Registers(self.ask("g")?);
        self.registers = Some(registers.clone());
        Ok(registers)
    }

    /// One register of the CPU, of at most 64 bits.
    pub fn register(&mut self, name: &str) -> Result<u64> {
        let value = self.registers()?.get(&self.layout, name);
        value.ok_or_else(|| Error::Unexpected(format!("QEMU has no register {name}")))
    }

    /// Forgets what was read: registers or page tables may have changed.
    pub fn forget(&mut self) {
        self.registers = None;
        self.pages.clear();
    }

    /// The bytes at an address that is valid now, as far as they can be read.
    pub fn read(&mut self, address: u64, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (at, length) in parts(address, length, CHUNK) {
            match hex::decode(&self.ask(&format!("m{at:x},{length:x}"))?) {
                Some(part) if !part.is_empty() => bytes.extend(part),
                _ => break,
            }
        }
        Ok(bytes)
    }

    /// The word at an address that is valid now; `None` if it cannot be read.
    pub fn word(&mut self, address: u64) -> Result<Option<u64>> {
        Ok(self.read(address, 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)))
    }

    /// Writes to an address that is valid now; whether all was written.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<bool> {
        self.pages.clear();
        let mut at = address;
        for part in bytes.chunks(CHUNK as usize) {
            let packet = format!("M{at:x},{:x}:{}", part.len(), hex::encode(part));
            if self.ask(&packet)? != "OK" {
                return Ok(false);
            }
            at += part.len() as u64;
        }
        Ok(true)
    }

    /// The bytes at an address in the page tables at `root`, as far as they can be read.
    pub fn read_in(&mut self, root: u64, address: u64, length: u64) -> Result<Vec<u8>> {
        self.physically(|machine| {
            let mut bytes = Vec::new();
            for (at, length) in parts(address, length, PAGE) {
                let Some(physical) = machine.translate(root, at)? else { break };
                bytes.extend(machine.read(physical, length)?);
            }
            Ok(bytes)
        })
    }

    /// Writes to an address in the page tables at `root`; whether all was written.
    pub fn write_in(&mut self, root: u64, address: u64, bytes: &[u8]) -> Result<bool> {
        self.physically(|machine| {
            let mut rest = bytes;
            for (at, length) in parts(address, bytes.len() as u64, PAGE) {
                let (part, later) = rest.split_at(length as usize);
                rest = later;
                match machine.translate(root, at)? {
                    Some(physical) if machine.write(physical, part)? => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        })
    }

    /// Lets `act` address physical memory; the mode is the stub's, so it is always left again.
    fn physically<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.ask("Qqemu.PhyMemMode:1")? != "OK" {
            return Err(Error::Unexpected("QEMU cannot read physical memory".to_owned()));
        }
        let result = act(self);
        self.ask("Qqemu.PhyMemMode:0")?;
        result
    }

    fn translate(&mut self, root: u64, address: u64) -> Result<Option<u64>> {
        let (page, offset) = (address - address % PAGE, address % PAGE);
        if let Some(known) = self.pages.get(&(root, page)) {
            return Ok(known.map(|frame| frame + offset));
        }
        let frame = paging::translate(root, page, |entry| self.word(entry))?;
        self.pages.insert((root, page), frame);
        Ok(frame.map(|frame| frame + offset))
    }

    /// Lets the machine run until it stops. gdb's interrupts are passed on, and so is what QEMU's
    /// stub wants printed.
    pub fn resume(&mut self, how: Resume) -> Result<Halt> {
        self.forget();
        self.wires.tell(how.packet())?;
        let mut interrupted = false;
        loop {
            match self.wires.listen()? {
                Heard::Stub(packet) => match (packet.first(), RawStop::parse(&packet)) {
                    (_, Some(stop)) => return Ok(Halt { stop, interrupted, refused: false }),
                    (Some(b'E'), None) => {
                        let stop = RawStop { signal: signal::TRAP, access: None };
                        return Ok(Halt { stop, interrupted, refused: true });
                    }
                    (Some(b'O'), None) => self.wires.reply(&packet)?,
                    (Some(b'W' | b'X'), None) => return Err(Error::StubGone),
                    _ => {}
                },
                Heard::Interrupt if interrupted => {}
                Heard::Interrupt => {
                    interrupted = true;
                    self.wires.interrupt()?;
                }
                Heard::GdbGone => {
                    self.wires.interrupt()?;
                    while RawStop::parse(&self.wires.hear()?).is_none() {}
                    return Err(Error::GdbGone);
                }
            }
        }
    }

    /// Leaves the machine running, without us.
    pub fn detach(&mut self) -> Result<()> {
        self.ask("D").map(drop)
    }
}

/// Cuts a range into parts that do not cross a multiple of `size`.
fn parts(address: u64, length: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = address;
    let mut left = length;
    std::iter::from_fn(move || {
        let part = left.min(size - at % size);
        let found = (part > 0).then_some((at, part));
        (at, left) = (at.wrapping_add(part), left - part);
        found
    })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_range_is_cut_at_multiples() {
        let cut: Vec<_> = parts(0xff0, 0x1020, 0x1000).collect();
        assert_eq!(cut, [(0xff0, 0x10), (0x1000, 0x1000), (0x2000, 0x10)]);
        assert_eq!(parts(5, 0, 8).count(), 0);
        let top: Vec<_> = parts(u64::MAX - 0xf, 0x10, 0x1000).collect();
        assert_eq!(top, [(u64::MAX - 0xf, 0x10)]);
    }
}
