//! From scan codes to what a terminal sends.
//!
//! [`Decoder::feed`] takes the bytes of scan code set 1, as the controller translates them, for a
//! keyboard with US layout. Enter sends carriage return, Backspace sends delete, the cursor keys
//! send the sequences of a VT100; F1 to F12 and Alt-Tab choose who has the focus.

use pc_keyboard::{DecodedKey, HandleControl, KeyCode, Keyboard, ScancodeSet1, layouts::Us104Key};

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEvent {
    /// Input for whoever has the focus.
    Bytes(KeyBytes),
    /// F1 to F12 (1 to 12): give the focus to that one.
    Focus(u8),
    /// Alt-Tab: give the focus to the next one.
    FocusNext,
}

/// The bytes that one key sends: one to four.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyBytes {
    bytes: [u8; 4],
    length: usize,
}

impl KeyBytes {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    const fn sequence<const N: usize>(text: &[u8; N]) -> Self {
        const { assert!(N <= 4, "the longest sequence has four bytes") };
        let mut bytes = [0; 4];
        let mut index = 0;
        while index < N {
            bytes[index] = text[index];
            index += 1;
        }
        Self { bytes, length: N }
    }

    fn character(character: char) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }
}

/// Remembers what has been pressed.
pub struct Decoder {
    keyboard: Keyboard<Us104Key, ScancodeSet1>,
}

impl core::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Decoder").field("modifiers", self.keyboard.get_modifiers()).finish()
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// No key is pressed; Num Lock is on.
    pub const fn new() -> Self {
        let keyboard =
            Keyboard::new(ScancodeSet1::new(), Us104Key, HandleControl::MapLettersToUnicode);
        Self { keyboard }
    }

    /// Takes one byte from the keyboard; an event, if it completes one. Bytes that mean nothing
    /// are passed over.
    pub fn feed(&mut self, byte: u8) -> Option<KeyEvent> {
        let change = self.keyboard.add_byte(byte).ok()??;
        match self.keyboard.process_keyevent(change)? {
            DecodedKey::Unicode(character) => Some(self.character(character)),
            DecodedKey::RawKey(key) => raw_key(key),
        }
    }

    fn character(&self, character: char) -> KeyEvent {
        let modifiers = self.keyboard.get_modifiers();
        let bytes = match character {
            '\t' if modifiers.is_alt() => return KeyEvent::FocusNext,
            '\n' => KeyBytes::character('\r'),
            '\x08' => KeyBytes::character('\x7f'),
            // The crate's code for the Delete key.
            '\x7f' => KeyBytes::sequence(b"\x1b[3~"),
            // The crate maps letters; the rest of the column is Ctrl-@ and Ctrl-[ to Ctrl-_.
            '@' | '['..='_' if modifiers.is_ctrl() => {
                KeyBytes::character(char::from((character as u8) & 0x1f))
            }
            _ => KeyBytes::character(character),
        };
        KeyEvent::Bytes(bytes)
    }
}

/// Keys without a character; `None` for modifiers and keys that no terminal has.
fn raw_key(key: KeyCode) -> Option<KeyEvent> {
    let bytes = match key {
        KeyCode::ArrowUp => KeyBytes::sequence(b"\x1b[A"),
        KeyCode::ArrowDown => KeyBytes::sequence(b"\x1b[B"),
        KeyCode::ArrowRight => KeyBytes::sequence(b"\x1b[C"),
        KeyCode::ArrowLeft => KeyBytes::sequence(b"\x1b[D"),
        KeyCode::Home => KeyBytes::sequence(b"\x1b[H"),
        KeyCode::End => KeyBytes::sequence(b"\x1b[F"),
        KeyCode::Insert => KeyBytes::sequence(b"\x1b[2~"),
        KeyCode::PageUp => KeyBytes::sequence(b"\x1b[5~"),
        KeyCode::PageDown => KeyBytes::sequence(b"\x1b[6~"),
        KeyCode::F1 => return Some(KeyEvent::Focus(1)),
        KeyCode::F2 => return Some(KeyEvent::Focus(2)),
        KeyCode::F3 => return Some(KeyEvent::Focus(3)),
        KeyCode::F4 => return Some(KeyEvent::Focus(4)),
        KeyCode::F5 => return Some(KeyEvent::Focus(5)),
        KeyCode::F6 => return Some(KeyEvent::Focus(6)),
        KeyCode::F7 => return Some(KeyEvent::Focus(7)),
        KeyCode::F8 => return Some(KeyEvent::Focus(8)),
        KeyCode::F9 => return Some(KeyEvent::Focus(9)),
        KeyCode::F10 => return Some(KeyEvent::Focus(10)),
        KeyCode::F11 => return Some(KeyEvent::Focus(11)),
        KeyCode::F12 => return Some(KeyEvent::Focus(12)),
        _ => return None,
    };
    Some(KeyEvent::Bytes(bytes))
}
