//! From input bytes to keys.
//!
//! The serial line and the keyboard speak the same bytes: ASCII, control characters, and the
//! escape sequences of ECMA-48 terminals. What is not known is swallowed whole, so that no part of
//! a sequence ends up in a line.

/// The byte of the key that moves the focus. Control-O: neither terminals nor QEMU's monitor
/// prefix (Control-A) take it away.
pub const FOCUS_BYTE: u8 = 0x0f;

/// What the focus key is called.
pub const FOCUS_KEY: &str = "Ctrl-O";

/// What F1 to F12 send, which give the focus to a session by its number: the bytes of xterm.
pub const FUNCTION_KEYS: [&[u8]; 12] = [
    b"\x1bOP",
    b"\x1bOQ",
    b"\x1bOR",
    b"\x1bOS",
    b"\x1b[15~",
    b"\x1b[17~",
    b"\x1b[18~",
    b"\x1b[19~",
    b"\x1b[20~",
    b"\x1b[21~",
    b"\x1b[23~",
    b"\x1b[24~",
];

/// What a person did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    /// A printable ASCII character.
    Char(u8),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    /// Older line of the history.
    Up,
    /// Newer line of the history.
    Down,
    Tab,
    /// Control-U.
    KillLine,
    /// Control-K.
    KillToEnd,
    /// Control-W.
    KillWord,
    /// Control-C.
    Interrupt,
    /// Control-D.
    EndOfInput,
    /// [`FOCUS_KEY`].
    NextFocus,
    /// F1 to F12: this session, counted from 1.
    Focus(u8),
    /// A byte that no line can hold.
    Unknown,
}

/// Decodes one byte at a time.
#[derive(Debug)]
pub(super) struct KeyDecoder {
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Ground,
    /// After a carriage return: a line feed belongs to it.
    AfterReturn,
    Escape,
    /// After `ESC [`, with the number so far.
    Csi(u8),
    /// After `ESC O`.
    Ss3,
}

impl KeyDecoder {
    pub(super) const fn new() -> Self {
        Self { state: State::Ground }
    }

    /// The key that `byte` completes, if it completes one.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Key> {
        let state = core::mem::replace(&mut self.state, State::Ground);
        match (state, byte) {
            (_, 0x1b) => self.to(State::Escape),
            (State::Escape, b'[') => self.to(State::Csi(0)),
            (State::Escape, b'O') => self.to(State::Ss3),
            (State::Escape, _) => None,
            (State::Csi(number), b'0'..=b'9') => {
                let digit = byte.wrapping_sub(b'0');
                self.to(State::Csi(number.saturating_mul(10).saturating_add(digit)))
            }
            // Further parameters only say which modifiers were held.
            (State::Csi(number), 0x20..=0x3f) => self.to(State::Csi(number)),
            (State::Csi(number), b'~') => tilde_key(number),
            (State::Csi(_) | State::Ss3, _) => letter_key(byte),
            (State::AfterReturn, b'\n') => None,
            (State::Ground | State::AfterReturn, b'\r') => {
                self.state = State::AfterReturn;
                Some(Key::Enter)
            }
            (State::Ground | State::AfterReturn, _) => Some(plain_key(byte)),
        }
    }

    const fn to(&mut self, state: State) -> Option<Key> {
        self.state = state;
        None
    }
}

const fn plain_key(byte: u8) -> Key {
    match byte {
        b' '..=b'~' => Key::Char(byte),
        b'\n' => Key::Enter,
        b'\t' => Key::Tab,
        0x01 => Key::Home,
        0x02 => Key::Left,
        0x03 => Key::Interrupt,
        0x04 => Key::EndOfInput,
        0x05 => Key::End,
        0x06 => Key::Right,
        0x08 | 0x7f => Key::Backspace,
        0x0b => Key::KillToEnd,
        0x0e => Key::Down,
        FOCUS_BYTE => Key::NextFocus,
        0x10 => Key::Up,
        0x15 => Key::KillLine,
        0x17 => Key::KillWord,
        _ => Key::Unknown,
    }
}

const fn letter_key(byte: u8) -> Option<Key> {
    match byte {
        b'A' => Some(Key::Up),
        b'B' => Some(Key::Down),
        b'C' => Some(Key::Right),
        b'D' => Some(Key::Left),
        b'F' => Some(Key::End),
        b'H' => Some(Key::Home),
        b'P'..=b'S' => Some(Key::Focus(byte.saturating_sub(b'P').saturating_add(1))),
        _ => None,
    }
}

const fn tilde_key(number: u8) -> Option<Key> {
    match number {
        1 | 7 => Some(Key::Home),
        3 => Some(Key::Delete),
        4 | 8 => Some(Key::End),
        // The gaps are history: VT220 keyboards had gaps there.
        11..=15 => Some(Key::Focus(number.saturating_sub(10))),
        17..=21 => Some(Key::Focus(number.saturating_sub(11))),
        23 | 24 => Some(Key::Focus(number.saturating_sub(12))),
        _ => None,
    }
}
