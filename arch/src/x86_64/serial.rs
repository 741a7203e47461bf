//! The first serial port, COM1: a 16550 at port 0x3f8.
//!
//! [`SerialPort`] is the driver: polled or by interrupt, never waiting longer than a bound.
//! [`emergency_write`] is for a panic: no state, no lock. The driver is generic over [`Ports`], so
//! that the tests run it against a model of the chip.
//!
//! A line is edge triggered at the I/O APIC, so an interrupt handler asks [`interrupt_cause`] and
//! serves the answer until there is none; otherwise the line stays active and never rises again.
//!
//! [`interrupt_cause`]: SerialPort::interrupt_cause

mod kept;
mod register;
mod setup;
#[cfg(test)]
mod tests;

use kept::Kept;

use crate::x86_64::ports::{IoPorts, Ports};

/// First I/O port of COM1.
pub const COM1: u16 = 0x3f8;
/// ISA interrupt line of COM1.
pub const COM1_IRQ: u8 = 4;
/// Bytes that the transmitter's FIFO holds.
pub const FIFO_LENGTH: usize = 16;

/// Reads of the line status before a wait is given up: at 115,200 baud a byte takes 87
/// microseconds, and a read of a port about one.
const PATIENCE: u32 = 100_000;

/// There is no working 16550.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absent;

/// Why the port interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Bytes were received: call [`SerialPort::read_byte`] until there are none.
    Received,
    /// The transmitter has room: call [`SerialPort::try_write`], or turn the interrupt off.
    TransmitEmpty,
    /// An error on the line; it has been counted.
    LineStatus,
    /// A modem line changed; nothing to do.
    ModemStatus,
}

/// What went wrong on the line since the port was set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineErrors {
    /// Times that bytes came faster than they were taken, and some were lost.
    pub overruns: u64,
    /// Bytes with wrong parity.
    pub parity: u64,
    /// Bytes without a stop bit.
    pub framing: u64,
    /// Break signals.
    pub breaks: u64,
}

/// A 16550.
#[derive(Debug)]
pub struct SerialPort<P = IoPorts> {
    ports: P,
    enabled: u8,
    errors: LineErrors,
    kept: Kept,
}

impl SerialPort {
    /// Sets up COM1: 115,200 baud, 8 bits, no parity, 1 stop bit, FIFOs on, interrupts off.
    ///
    /// # Errors
    /// If there is none, or it fails its loop-back test.
    ///
    /// # Safety
    /// Nothing else drives the port, but for [`emergency_write`].
    pub unsafe fn com1() -> Result<Self, Absent> {
        // SAFETY: the ports of COM1, driven here alone as the caller promises.
        Self::new(unsafe { IoPorts::new(COM1) })
    }
}

impl<P: Ports> SerialPort<P> {
    /// The oldest byte received, if there is one.
    pub fn read_byte(&mut self) -> Option<u8> {
        if let Some(byte) = self.kept.pop() {
            return Some(byte);
        }
        let status = self.line_status();
        (status & register::DATA_READY != 0).then(|| self.ports.read(register::DATA))
    }

    /// Sends as many of `bytes` as the FIFO surely takes, without waiting: up to
    /// [`FIFO_LENGTH`] if it is empty, else none. Returns how many.
    pub fn try_write(&mut self, bytes: &[u8]) -> usize {
        if self.line_status() & register::TRANSMIT_EMPTY == 0 {
            return 0;
        }
        let count = bytes.len().min(FIFO_LENGTH);
        for byte in &bytes[..count] {
            self.ports.write(register::DATA, *byte);
        }
        count
    }

    /// Sends `byte`, waiting for room, but not for ever. False if it was dropped.
    pub fn write_byte_blocking(&mut self, byte: u8) -> bool {
        let has_room = self.wait_for(register::TRANSMIT_EMPTY);
        if has_room {
            self.ports.write(register::DATA, byte);
        }
        has_room
    }

    /// Interrupts when bytes are received or the line has an error. Bytes that are already there
    /// interrupt at once, so the I/O APIC's input comes first.
    pub fn enable_receive_interrupt(&mut self) {
        self.enable(self.enabled | register::ENABLE_RECEIVE | register::ENABLE_LINE_STATUS);
    }

    /// Interrupts when the transmitter has room, or no longer. If it has room already, the
    /// interrupt comes at once.
    pub fn enable_transmit_interrupt(&mut self, enable: bool) {
        let others = self.enabled & !register::ENABLE_TRANSMIT;
        self.enable(if enable { others | register::ENABLE_TRANSMIT } else { others });
    }

    /// The most urgent cause of an interrupt, if there is one; bytes that came while the port was
    /// set up count as one that has just happened. Asking clears [`Cause::TransmitEmpty`].
    pub fn interrupt_cause(&mut self) -> Option<Cause> {
        if !self.kept.is_empty() {
            return Some(Cause::Received);
        }
        match self.ports.read(register::INTERRUPT_CAUSE) & 0x0f {
            0b0110 => {
                self.line_status();
                Some(Cause::LineStatus)
            }
            // By trigger level, or by time-out of a byte that waits.
            0b0100 | 0b1100 => Some(Cause::Received),
            0b0010 => Some(Cause::TransmitEmpty),
            0b0000 => {
                self.ports.read(register::MODEM_STATUS);
                Some(Cause::ModemStatus)
            }
            _ => None,
        }
    }

    /// What went wrong on the line so far.
    pub const fn line_errors(&self) -> LineErrors {
        self.errors
    }

    fn enable(&mut self, interrupts: u8) {
        if interrupts != self.enabled {
            self.enabled = interrupts;
            self.ports.write(register::INTERRUPT_ENABLE, interrupts);
        }
    }

    /// Reading the status clears its error bits: they are counted here and nowhere else.
    fn line_status(&mut self) -> u8 {
        let status = self.ports.read(register::LINE_STATUS);
        if status & (register::OVERRUN | register::PARITY | register::FRAMING | register::BREAK)
            != 0
        {
            self.errors.overruns += u64::from(status & register::OVERRUN != 0);
            self.errors.parity += u64::from(status & register::PARITY != 0);
            self.errors.framing += u64::from(status & register::FRAMING != 0);
            self.errors.breaks += u64::from(status & register::BREAK != 0);
        }
        status
    }

    fn wait_for(&mut self, bit: u8) -> bool {
        (0..PATIENCE).any(|_| {
            let ready = self.line_status() & bit != 0;
            if !ready {
                core::hint::spin_loop();
            }
            ready
        })
    }
}

/// Writes to COM1 whatever state it and its driver are in, a line feed as carriage return and line
/// feed. Waits are bounded; what does not get out in time is lost. For a panic, which cannot know
/// who holds the driver, nor whether the port has been set up.
pub fn emergency_write(bytes: &[u8]) {
    // SAFETY: the driver does not run again after a panic, and the chip cannot change memory.
    let mut ports = unsafe { IoPorts::new(COM1) };
    // With the divisor latch open, or after reset with five bits a byte, nothing could be read.
    ports.write(register::LINE_CONTROL, register::EIGHT_BITS_NO_PARITY_ONE_STOP);
    let mut write = |byte| {
        let ready = (0..PATIENCE)
            .any(|_| ports.read(register::LINE_STATUS) & register::TRANSMIT_EMPTY != 0);
        if ready {
            ports.write(register::DATA, byte);
        }
    };
    for byte in bytes {
        if *byte == b'\n' {
            write(b'\r');
        }
        write(*byte);
    }
}

/// Waits until COM1 has sent all it was given; a bounded time. For the end of the machine.
pub fn wait_until_sent() {
    // SAFETY: reading the line status moves no data; the error bits that it clears concern nobody
    // any more.
    let mut ports = unsafe { IoPorts::new(COM1) };
    (0..PATIENCE).any(|_| ports.read(register::LINE_STATUS) & register::TRANSMITTER_IDLE != 0);
}
