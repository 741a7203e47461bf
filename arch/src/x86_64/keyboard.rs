//! The PS/2 keyboard: controller, scan codes, and the bytes a terminal would send.
//!
//! [`Keyboard`] drives the i8042 controller; [`Decoder`] turns scan codes into [`KeyEvent`]s and is
//! plain logic, on top of the `pc-keyboard` crate. Every wait is bounded; a machine without a
//! controller is found out and does without.

mod decoder;
#[cfg(test)]
mod tests;

pub use self::decoder::{Decoder, KeyBytes, KeyEvent};

use crate::x86_64::ports::{IoPorts, Ports};

/// ISA interrupt line of the keyboard.
pub const KEYBOARD_IRQ: u8 = 1;

/// First port of the controller.
const CONTROLLER: u16 = 0x60;
/// The data port, from there.
const DATA: u16 = 0;
/// The status (read) and command (write) port, from there.
const STATUS: u16 = 4;

/// Status bits (IBM PS/2 Hardware Interface Technical Reference, keyboard controller).
const OUTPUT_FULL: u8 = 1 << 0;
const INPUT_FULL: u8 = 1 << 1;
const FROM_MOUSE: u8 = 1 << 5;
/// What a bus without a device reads.
const FLOATING: u8 = 0xff;

const READ_CONFIGURATION: u8 = 0x20;
const WRITE_CONFIGURATION: u8 = 0x60;
const DISABLE_MOUSE: u8 = 0xa7;
const TEST_CONTROLLER: u8 = 0xaa;
const TEST_PASSED: u8 = 0x55;
const DISABLE_KEYBOARD: u8 = 0xad;
const ENABLE_KEYBOARD: u8 = 0xae;

const KEYBOARD_INTERRUPT: u8 = 1 << 0;
const MOUSE_INTERRUPT: u8 = 1 << 1;
const KEYBOARD_CLOCK_OFF: u8 = 1 << 4;
const MOUSE_CLOCK_OFF: u8 = 1 << 5;
/// The controller translates scan code set 2, which keyboards start in, to set 1.
const TRANSLATE: u8 = 1 << 6;

const ENABLE_SCANNING: u8 = 0xf4;
const ACKNOWLEDGE: u8 = 0xfa;
const RESEND: u8 = 0xfe;

/// Reads of the status, about a microsecond each, before a wait is given up.
const PATIENCE: u32 = 100_000;
/// Bytes taken at once: more than any controller holds, so a broken one cannot keep us.
const MAX_BURST: usize = 64;

/// Why there is no keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No controller answers.
    NoController,
    /// The controller fails its self-test.
    TestFailed,
    /// The controller answers, but no keyboard does.
    NoKeyboard,
}

/// The keyboard.
#[derive(Debug)]
pub struct Keyboard<P = IoPorts> {
    ports: P,
    decoder: Decoder,
}

impl Keyboard {
    /// Sets up controller and keyboard; its interrupt is on afterwards.
    ///
    /// # Errors
    /// If a part of it is missing or broken.
    ///
    /// # Safety
    /// Nothing else drives the controller.
    pub unsafe fn i8042() -> Result<Self, Error> {
        // SAFETY: the controller's ports, driven here alone as the caller promises.
        Self::new(unsafe { IoPorts::new(CONTROLLER) })
    }
}

impl<P: Ports> Keyboard<P> {
    /// Sets up the controller behind `ports`, as [`Keyboard::i8042`] says.
    ///
    /// # Errors
    /// If a part of it is missing or broken.
    pub fn new(ports: P) -> Result<Self, Error> {
        let mut keyboard = Self { ports, decoder: Decoder::new() };
        if keyboard.ports.read(STATUS) == FLOATING {
            return Err(Error::NoController);
        }
        keyboard.set_up_controller()?;
        keyboard.start_scanning()?;
        Ok(keyboard)
    }

    /// What was typed, if anything: takes scan codes until they make an event. Call until there
    /// is none; the interrupt is edge triggered.
    pub fn next_event(&mut self) -> Option<KeyEvent> {
        for _ in 0..MAX_BURST {
            let status = self.ports.read(STATUS);
            if status & OUTPUT_FULL == 0 || status == FLOATING {
                return None;
            }
            let byte = self.ports.read(DATA);
            if status & FROM_MOUSE == 0
                && let Some(event) = self.decoder.feed(byte)
            {
                return Some(event);
            }
        }
        None
    }

    fn set_up_controller(&mut self) -> Result<(), Error> {
        self.command(DISABLE_KEYBOARD)?;
        self.command(DISABLE_MOUSE)?;
        self.flush();
        self.command(READ_CONFIGURATION)?;
        let configuration = self.receive().ok_or(Error::NoController)?;
        self.command(TEST_CONTROLLER)?;
        if self.receive() != Some(TEST_PASSED) {
            return Err(Error::TestFailed);
        }
        // Some controllers reset themselves in the test, so the configuration comes after it.
        let off = MOUSE_INTERRUPT | KEYBOARD_CLOCK_OFF;
        let on = KEYBOARD_INTERRUPT | TRANSLATE | MOUSE_CLOCK_OFF;
        self.command(WRITE_CONFIGURATION)?;
        self.send(DATA, (configuration & !off) | on)?;
        self.command(ENABLE_KEYBOARD)
    }

    fn start_scanning(&mut self) -> Result<(), Error> {
        const TRIES: usize = 3;
        for _ in 0..TRIES {
            self.send(DATA, ENABLE_SCANNING)?;
            // A key pressed meanwhile may come first.
            for _ in 0..MAX_BURST {
                match self.receive().ok_or(Error::NoKeyboard)? {
                    ACKNOWLEDGE => return Ok(()),
                    RESEND => break,
                    _ => {}
                }
            }
        }
        Err(Error::NoKeyboard)
    }

    fn flush(&mut self) {
        for _ in 0..MAX_BURST {
            if self.ports.read(STATUS) & OUTPUT_FULL == 0 {
                break;
            }
            self.ports.read(DATA);
        }
    }

    fn command(&mut self, command: u8) -> Result<(), Error> {
        self.send(STATUS, command)
    }

    fn send(&mut self, port: u16, byte: u8) -> Result<(), Error> {
        if !(0..PATIENCE).any(|_| self.ports.read(STATUS) & INPUT_FULL == 0) {
            return Err(Error::NoController);
        }
        self.ports.write(port, byte);
        Ok(())
    }

    fn receive(&mut self) -> Option<u8> {
        (0..PATIENCE)
            .any(|_| self.ports.read(STATUS) & OUTPUT_FULL != 0)
            .then(|| self.ports.read(DATA))
    }
}
