//! Letting the machine run, forwards and backwards.

use super::Machine;
use crate::stop::{RawStop, signal};
use crate::wires::{Error, Heard, Result};

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

impl Machine {
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
