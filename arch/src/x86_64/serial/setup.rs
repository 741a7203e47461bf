//! Finding the port and setting it up.

use super::kept::Kept;
use super::{Absent, FIFO_LENGTH, LineErrors, SerialPort, register};
use crate::x86_64::ports::Ports;

/// The port hears itself and not the line.
const LOOPBACK: u8 = register::MODEM_READY | register::MODEM_LOOPBACK;

impl<P: Ports> SerialPort<P> {
    /// Sets up the port behind `ports`, as [`SerialPort::com1`] says.
    ///
    /// # Errors
    /// If there is none, or it fails its loop-back test.
    pub fn new(ports: P) -> Result<Self, Absent> {
        let mut port = Self { ports, enabled: 0, errors: LineErrors::default(), kept: Kept::new() };
        // What the boot loader wrote shall still get out: turning the FIFOs on empties them.
        port.wait_for(register::TRANSMITTER_IDLE);
        port.ports.write(register::INTERRUPT_ENABLE, 0);
        port.ports.write(register::LINE_CONTROL, register::DIVISOR_LATCH);
        port.ports.write(register::DATA, register::DIVISOR[0]);
        port.ports.write(register::INTERRUPT_ENABLE, register::DIVISOR[1]);
        port.ports.write(register::LINE_CONTROL, register::EIGHT_BITS_NO_PARITY_ONE_STOP);
        // Turning the FIFO on empties it too. So the line is cut first, then the one byte taken that
        // can be there without a FIFO. (An emulated line is not cut, only slower while it should
        // be: nothing is asked in between.)
        port.ports.write(register::MODEM_CONTROL, LOOPBACK);
        port.keep_one();
        port.ports.write(register::FIFO_CONTROL, register::FIFO_ON);
        port.send_to_itself(0xae);
        port.hear(0xae)?;
        port.send_to_itself(0x51);
        // The last probe is heard with the line back. QEMU goes on to take what was typed when the
        // data register is read, but not while the port hears itself (hw/char/serial.c): the end of
        // a line would stay outside for as long as nothing else happens.
        port.wait_for(register::DATA_READY);
        port.ports.write(register::MODEM_CONTROL, register::MODEM_READY);
        port.hear(0x51)?;
        port.keep_received();
        // Causes that date from before.
        port.ports.read(register::MODEM_STATUS);
        port.ports.read(register::INTERRUPT_CAUSE);
        port.errors = LineErrors::default();
        Ok(port)
    }

    /// Takes a byte that has been typed before anybody could ask for it.
    fn keep_one(&mut self) -> bool {
        let received = self.line_status() & register::DATA_READY != 0;
        if received {
            let byte = self.ports.read(register::DATA);
            self.kept.push(byte);
        }
        received
    }

    /// Takes all that has been typed so far, so that there is room in the FIFO.
    fn keep_received(&mut self) {
        (0..FIFO_LENGTH).all(|_| self.keep_one());
    }

    /// Sends a byte to itself, the line being cut.
    fn send_to_itself(&mut self, probe: u8) {
        self.keep_received();
        self.ports.write(register::DATA, probe);
    }

    /// Waits for that byte. What somebody types may come before it all the same, so it need only be
    /// among what the FIFO holds; the others are kept.
    fn hear(&mut self, probe: u8) -> Result<(), Absent> {
        for _ in 0..=FIFO_LENGTH {
            if !self.wait_for(register::DATA_READY) {
                break;
            }
            match self.ports.read(register::DATA) {
                byte if byte == probe => return Ok(()),
                byte => self.kept.push(byte),
            }
        }
        Err(Absent)
    }
}
