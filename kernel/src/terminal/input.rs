//! Bytes that arrived, from the serial port and the keyboard, and wait to become lines.

use orbital_arch::keyboard::{KeyEvent, Keyboard};
use orbital_core::tty::{ByteRing, FOCUS_BYTE, FUNCTION_KEYS};

use crate::console::{self, log};
use crate::sync::{Lock, Order};

/// Bytes that wait; more are dropped, and counted.
const RING: usize = 1024;

/// Events an interrupt handler takes before it gives the CPU back to others.
const MAX_EVENTS: usize = 64;

struct Input {
    ring: ByteRing<RING>,
    dropped: u64,
    keyboard: Option<Keyboard>,
}

static INPUT: Lock<Input> =
    Lock::new(Order::Input, Input { ring: ByteRing::new(), dropped: 0, keyboard: None });

/// Looks for a keyboard; a machine without one has its serial port.
pub(super) fn init() {
    // SAFETY: called once, and nothing else drives the keyboard controller.
    match unsafe { Keyboard::i8042() } {
        Ok(keyboard) => INPUT.with(|input| input.keyboard = Some(keyboard)),
        Err(error) => log(format_args!("[kernel] keyboard: {error:?}")),
    }
}

/// The keyboard has interrupted: its keys become the bytes that a serial terminal would send.
pub(crate) fn keyboard_interrupt() {
    INPUT.with(|input| {
        for _ in 0..MAX_EVENTS {
            let event = input.keyboard.as_mut().and_then(Keyboard::next_event);
            match event {
                None => break,
                Some(KeyEvent::Bytes(bytes)) => input.push(bytes.as_slice()),
                Some(KeyEvent::FocusNext) => input.push(&[FOCUS_BYTE]),
                Some(KeyEvent::Focus(number)) => {
                    let place = usize::from(number).wrapping_sub(1);
                    input.push(FUNCTION_KEYS.get(place).copied().unwrap_or_default());
                }
            }
        }
    });
}

/// A byte came from the serial port.
pub(super) fn received(byte: u8) {
    INPUT.with(|input| input.push(&[byte]));
}

/// Takes the oldest byte.
pub(super) fn take() -> Option<u8> {
    INPUT.with(|input| input.ring.pop())
}

/// Whether no byte waits.
pub(super) fn is_empty() -> bool {
    INPUT.with(|input| input.ring.is_empty())
}

/// Bytes dropped since the last call.
pub(super) fn take_dropped() -> u64 {
    INPUT.with(|input| core::mem::replace(&mut input.dropped, 0))
}

impl Input {
    /// Takes all of a key, or nothing: half an escape sequence would be another key.
    fn push(&mut self, bytes: &[u8]) {
        if self.ring.free() >= bytes.len() {
            self.ring.extend(bytes);
        } else {
            self.dropped += bytes.len() as u64;
        }
        console::note_work();
    }
}
