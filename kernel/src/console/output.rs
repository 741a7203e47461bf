//! From bytes to devices: a bounded ring before the serial port, and the screen.
//!
//! The ring is emptied as far as the port's FIFO takes it whenever something is added, then by the
//! port's transmit interrupt. A program is refused when there is no room ([`Output::has_room`]) and
//! waits; the kernel itself is never refused: if the ring is full it waits for the port, which
//! takes a bounded time. The screen gets the same bytes at once, in memory; it is drawn when the
//! terminal's task runs.

use core::sync::atomic::{AtomicBool, Ordering};

use bootloader_api::info::FrameBuffer;
use orbital_arch::serial::{Cause, SerialPort};
use orbital_core::tty::{ByteRing, Terminal};

use super::screen::Screen;
use crate::attention::ATTENTION;

/// Bytes on their way to the serial port.
const RING: usize = 16 * 1024;

/// Bytes written before there was a screen, which then shows them.
const EARLY: usize = 4 * 1024;

/// Causes an interrupt handler serves before it gives the CPU back to others.
const MAX_CAUSES: usize = 64;

/// Whether the terminal's task has something to do.
static WORK: &AtomicBool = &ATTENTION.work;

/// The way to the devices, and the devices.
pub(crate) struct Output {
    ring: ByteRing<RING>,
    port: Option<SerialPort>,
    screen: Option<Screen>,
    early: ByteRing<EARLY>,
    /// A program waits for room in the ring.
    writer_waits: bool,
}

/// What became of an interrupt of the serial port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Interrupt {
    /// Those who wait for room in the output can go on.
    pub(crate) wake_writers: bool,
}

impl Output {
    pub(super) const fn new() -> Self {
        Self {
            ring: ByteRing::new(),
            port: None,
            screen: None,
            early: ByteRing::new(),
            writer_waits: false,
        }
    }

    pub(super) fn find_serial_port(&mut self) {
        // SAFETY: called once, before anything else uses the port.
        self.port = unsafe { SerialPort::com1() }.ok();
    }

    pub(super) fn start_screen(&mut self, framebuffer: FrameBuffer) {
        self.screen = Screen::new(framebuffer);
        if let Some(screen) = &mut self.screen {
            while !self.early.is_empty() {
                screen.write(self.early.front());
                self.early.consume(self.early.front().len());
            }
            note_work();
        }
    }

    /// Lets received bytes interrupt; once, when interrupts have been routed.
    pub(crate) fn enable_receive_interrupt(&mut self) {
        if let Some(port) = &mut self.port {
            port.enable_receive_interrupt();
        }
    }

    /// Whether all that writing `bytes` can come to fits. If not, the writer shall wait, and the
    /// interrupt that makes room says so.
    pub(crate) fn has_room(&mut self, bytes: &[u8]) -> bool {
        let fits = Terminal::write_cost(bytes).min(RING) <= self.ring.free();
        self.writer_waits |= !fits;
        fits
    }

    /// Appends bytes for the devices.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        match &mut self.screen {
            Some(screen) => {
                screen.write(bytes);
                note_work();
            }
            None => drop(self.early.extend(bytes)),
        }
        if self.port.is_none() {
            return;
        }
        loop {
            let taken = self.ring.extend(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            self.make_room();
        }
    }

    /// Hands the port what it takes without waiting, and lets it interrupt for the rest.
    pub(crate) fn pump(&mut self) {
        let Some(port) = &mut self.port else { return };
        while !self.ring.is_empty() {
            let taken = port.try_write(self.ring.front());
            if taken == 0 {
                break;
            }
            self.ring.consume(taken);
        }
        port.enable_transmit_interrupt(!self.ring.is_empty());
    }

    /// Serves the serial port; `receive` gets the bytes that arrived.
    pub(crate) fn interrupt(&mut self, receive: &mut dyn FnMut(u8)) -> Interrupt {
        for _ in 0..MAX_CAUSES {
            let Some(port) = &mut self.port else { break };
            match port.interrupt_cause() {
                None => break,
                Some(Cause::Received) => {
                    while let Some(byte) = port.read_byte() {
                        receive(byte);
                        note_work();
                    }
                }
                Some(Cause::TransmitEmpty) => self.pump(),
                Some(Cause::LineStatus | Cause::ModemStatus) => {}
            }
        }
        // Not for every sixteen bytes: a writer that is woken wants to write a good deal.
        let wake_writers = self.writer_waits && self.ring.len() <= RING / 4;
        self.writer_waits &= !wake_writers;
        Interrupt { wake_writers }
    }

    /// Draws some of what the screen has not shown yet; whether there is more.
    pub(crate) fn draw(&mut self) -> bool {
        self.screen.as_mut().is_some_and(Screen::draw)
    }

    /// Waits until everything is on its way out of the machine and on the screen.
    pub(crate) fn flush(&mut self) {
        while !self.ring.is_empty() && self.port.is_some() {
            self.make_room();
        }
        while self.draw() {}
    }

    /// Shows bytes at once. A line feed starts a line, as in the text of a panic.
    pub(super) fn emergency(&mut self, bytes: &[u8]) {
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                self.push(b"\r\n");
            }
            self.push(line);
        }
        self.flush();
    }

    /// Sends bytes to the serial port alone, at once; what was on its way is flushed.
    pub(super) fn emergency_serial(&mut self, bytes: &[u8]) {
        let Some(port) = &mut self.port else { return };
        for &byte in bytes {
            if byte == b'\n' {
                port.write_byte_blocking(b'\r');
            }
            port.write_byte_blocking(byte);
        }
    }

    /// Waits until the port has taken a byte; one that it does not take in time is lost.
    fn make_room(&mut self) {
        if let (Some(port), Some(byte)) = (&mut self.port, self.ring.pop()) {
            port.write_byte_blocking(byte);
        }
    }
}

/// Whether the terminal's task has something to do; asking takes note of it.
#[inline]
pub(crate) fn take_work() -> bool {
    WORK.load(Ordering::Relaxed) && WORK.swap(false, Ordering::Relaxed)
}

/// The terminal's task has something to do.
pub(crate) fn note_work() {
    WORK.store(true, Ordering::Relaxed);
}
