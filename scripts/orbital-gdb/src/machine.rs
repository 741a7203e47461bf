//! The machine behind QEMU's gdb stub: its registers, its memory, its run.
//!
//! It stands still but inside [`Machine::resume`]. What was read from it is kept until then.

mod memory;
mod run;

use std::collections::HashMap;

use crate::paging::Place;
use crate::registers::{Layout, Registers};
use crate::wires::{Error, Result, Wires};

pub use run::{Halt, Resume};

/// Most bytes of memory in one packet: QEMU's packets hold 4096 characters.
const CHUNK: u64 = 0x700;

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
    /// Bits of an absent page-table entry that promise a page; 0 as long as the kernel has not said.
    pub promised: u64,
    registers: Option<Registers>,
    pages: HashMap<(u64, u64), Place>,
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
            promised: 0,
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
}
