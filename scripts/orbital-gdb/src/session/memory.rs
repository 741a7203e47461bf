//! Registers and memory of one task, wherever it is.
//!
//! A task on the CPU has the CPU's registers. Of any other one only what the switch kept is known;
//! it stands at the end of the switch, where it will have just these registers. Addresses below the kernel's
//! half mean something in the task's own page tables alone.

use super::{Session, error};
use crate::hex;
use crate::paging::LOWER_HALF;
use crate::registers::{self, Registers};
use crate::tasks::SAVED;
use crate::wires::Result;

/// Memory that is not there.
const FAULT: &str = "E14";

impl Session {
    /// Whether the task that gdb asks about is on the CPU.
    pub(super) fn is_on_cpu(&mut self) -> Result<bool> {
        Ok(self.tasks.current(&mut self.machine)? == Some(self.subject()))
    }

    /// `g`
    pub(super) fn registers(&mut self) -> Result<Registers> {
        let cpu = self.machine.registers()?;
        if self.is_on_cpu()? {
            return Ok(cpu);
        }
        let id = self.subject();
        let mut all = Registers::unknown(&cpu);
        if self.is_unborn(id) {
            // gdb cannot do without this one.
            all.set(&self.machine.layout, "rip", 0);
            return Ok(all);
        }
        let Some(task) = self.tasks.resumption(&mut self.machine, id)? else { return Ok(cpu) };
        let layout = &self.machine.layout;
        for (name, value) in [("rip", task.rip), ("rsp", task.rsp), ("cr3", task.cr3)] {
            all.set(layout, name, value);
        }
        for (name, value) in SAVED.into_iter().zip(task.saved.into_iter().flatten()) {
            all.set(layout, name, value);
        }
        Ok(all)
    }

    /// `p NUMBER`
    pub(super) fn register(&mut self, number: &str) -> Result<String> {
        let all = self.registers()?;
        let register = hex::number(number).and_then(|number| self.machine.layout.numbered(number));
        Ok(register.and_then(|register| all.text(register)).map_or_else(error, str::to_owned))
    }

    /// `P NUMBER=VALUE`: takes effect at once, or when the task is on the CPU again.
    pub(super) fn set_register(&mut self, rest: &str) -> Result<String> {
        if self.is_on_cpu()? {
            return self.pass_on(&format!("P{rest}"));
        }
        let Some((number, digits)) = rest.split_once('=') else { return Ok(error()) };
        let register = hex::number(number).and_then(|number| self.machine.layout.numbered(number));
        let (Some(register), Some(value)) = (register, registers::value(digits)) else {
            return Ok(error());
        };
        let (name, id) = (register.name.clone(), self.subject());
        let place = self.tasks.place_of(&mut self.machine, id, &name)?;
        let Some(place) = place else {
            return Ok(format!("E.{name} was not saved when the task was switched out"));
        };
        let written = self.machine.write(place, &value.to_le_bytes())?;
        Ok(if written { "OK".to_owned() } else { error() })
    }

    /// `m ADDRESS,LENGTH`
    pub(super) fn read_memory(&mut self, rest: &str) -> Result<String> {
        if self.physical {
            return self.machine.ask(&format!("m{rest}"));
        }
        let Some((address, length)) = hex::pair(rest) else { return Ok(error()) };
        let bytes = match self.foreign_root(address)? {
            Some(root) => self.machine.read_in(root, address, length)?,
            None => self.read_here(address, length)?,
        };
        if bytes.is_empty() && length > 0 {
            return Ok(FAULT.to_owned());
        }
        Ok(hex::encode(&bytes))
    }

    /// Memory at an address that is valid now. QEMU does not know what a page that a program has not
    /// touched will hold.
    fn read_here(&mut self, address: u64, length: u64) -> Result<Vec<u8>> {
        let bytes = self.machine.read(address, length)?;
        if bytes.len() as u64 == length || !LOWER_HALF.contains(&address) {
            return Ok(bytes);
        }
        let root = self.machine.register("cr3")?;
        self.machine.read_in(root, address, length)
    }

    /// `M ADDRESS,LENGTH:BYTES`
    pub(super) fn write_memory(&mut self, rest: &str) -> Result<String> {
        if self.physical {
            return self.pass_on(&format!("M{rest}"));
        }
        let parts = rest.split_once(':');
        let parts = parts.and_then(|(place, bytes)| Some((hex::pair(place)?, hex::decode(bytes)?)));
        let Some(((address, _), bytes)) = parts else { return Ok(error()) };
        let written = match self.foreign_root(address)? {
            Some(root) => self.machine.write_in(root, address, &bytes)?,
            None => self.machine.write(address, &bytes)?,
        };
        Ok(if written { "OK" } else { FAULT }.to_owned())
    }

    fn foreign_root(&mut self, address: u64) -> Result<Option<u64>> {
        let id = self.subject();
        self.tasks.foreign_root(&mut self.machine, id, address)
    }
}
