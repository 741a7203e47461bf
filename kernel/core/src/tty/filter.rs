//! What of a program's output may reach the screen.
//!
//! A program may write text, colour it, and, while it has the focus, clear the screen. Everything
//! else that terminals obey (moving the cursor, titles, key bindings, reports that come back as
//! input) is swallowed, so that no program can draw over another's text or type for the user.
//! Text must be UTF-8; a byte that is not becomes `?`.

/// Longest sequence, or character, that is let through.
const MAX: usize = 24;

/// One piece of what is let through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Item<'a> {
    /// Printable text.
    Text(&'a [u8]),
    /// A sequence that changes colours; `resets` if it restores the normal ones.
    Colour { sequence: &'a [u8], resets: bool },
    /// A sequence that clears (part of) the screen.
    Clear(&'a [u8]),
    /// A line feed.
    NewLine,
    /// Carriage return, backspace, tab, bell.
    Control(u8),
}

/// The state between two bytes of one program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    state: State,
    held: [u8; MAX],
    len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Ground,
    /// Inside a character of several bytes; how many are still to come.
    Character(u8),
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte.
    EscapeIntermediate,
    /// After `ESC [`.
    Csi,
    /// In a string (title, clipboard, device control), up to BEL or ESC \.
    String,
}

impl Filter {
    pub(super) const fn new() -> Self {
        Self { state: State::Ground, held: [0; MAX], len: 0 }
    }

    /// Whether it is between two characters, so that nothing would be lost by forgetting it.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Ground
    }

    /// Passes `bytes` through.
    pub(super) fn pass(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Item<'_>)) {
        while let [first, rest @ ..] = bytes {
            if self.state == State::Ground {
                // Printable ASCII, most of all output, goes through as it is.
                let run = bytes.iter().take_while(|byte| (b' '..=b'~').contains(*byte)).count();
                if let Some((text, after)) = bytes.split_at_checked(run).filter(|_| run > 0) {
                    sink(Item::Text(text));
                    bytes = after;
                    continue;
                }
            }
            self.byte(*first, sink);
            bytes = rest;
        }
    }

    fn byte(&mut self, byte: u8, sink: &mut dyn FnMut(Item<'_>)) {
        match (self.state, byte) {
            (State::Character(left), 0x80..=0xbf) => self.character(left, byte, sink),
            (State::Character(_), _) => {
                self.state = State::Ground;
                sink(Item::Text(b"?"));
                self.ground(byte, sink);
            }
            (State::Ground, _) => self.ground(byte, sink),
            (State::String, 0x07) => self.state = State::Ground,
            (_, 0x1b) => self.state = State::Escape,
            (State::String, _) => {}
            (State::Escape, b'[') => {
                self.state = State::Csi;
                self.hold(b"\x1b[");
            }
            (State::Escape, b']' | b'P' | b'X' | b'^' | b'_') => self.state = State::String,
            (State::Escape | State::EscapeIntermediate, 0x20..=0x2f) => {
                self.state = State::EscapeIntermediate;
            }
            (State::Escape | State::EscapeIntermediate, _) => self.state = State::Ground,
            (State::Csi, 0x20..=0x3f) => self.push(byte),
            (State::Csi, 0x40..=0x7e) => {
                self.state = State::Ground;
                self.push(byte);
                self.csi(byte, sink);
            }
            // A control character inside a sequence: a program that means neither.
            (State::Csi, _) => self.state = State::Ground,
        }
    }

    fn ground(&mut self, byte: u8, sink: &mut dyn FnMut(Item<'_>)) {
        match byte {
            b' '..=b'~' => sink(Item::Text(&[byte])),
            b'\n' => sink(Item::NewLine),
            b'\r' | b'\t' | 0x07 | 0x08 => sink(Item::Control(byte)),
            0x1b => self.state = State::Escape,
            0xc2..=0xdf => self.begin_character(1, byte),
            0xe0..=0xef => self.begin_character(2, byte),
            0xf0..=0xf4 => self.begin_character(3, byte),
            0x80..=0xff => sink(Item::Text(b"?")),
            _ => {}
        }
    }

    fn begin_character(&mut self, left: u8, byte: u8) {
        self.state = State::Character(left);
        self.hold(&[byte]);
    }

    fn character(&mut self, left: u8, byte: u8, sink: &mut dyn FnMut(Item<'_>)) {
        self.push(byte);
        if left > 1 {
            self.state = State::Character(left.saturating_sub(1));
            return;
        }
        self.state = State::Ground;
        match core::str::from_utf8(self.held()) {
            // The C1 controls, which some terminals obey: U+009B is another `ESC [`.
            Ok(text) if text.chars().any(char::is_control) => {}
            Ok(text) => sink(Item::Text(text.as_bytes())),
            Err(_) => sink(Item::Text(b"?")),
        }
    }

    /// A complete `ESC [ ... final` in `held`.
    fn csi(&self, last: u8, sink: &mut dyn FnMut(Item<'_>)) {
        let sequence = self.held();
        let parameters = sequence.get(2..sequence.len().saturating_sub(1)).unwrap_or_default();
        let plain = parameters.iter().all(|byte| byte.is_ascii_digit() || *byte == b';');
        if !plain || self.len == MAX {
            return;
        }
        match (last, parameters) {
            (b'm', _) => sink(Item::Colour { sequence, resets: matches!(parameters, b"" | b"0") }),
            (b'J' | b'K', _) | (b'H', b"" | b"1;1") => sink(Item::Clear(sequence)),
            _ => {}
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        self.len = 0;
        bytes.iter().for_each(|byte| self.push(*byte));
    }

    /// Holds one byte more; a sequence that fills the buffer is too long to be let through.
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.held.get_mut(self.len) {
            *place = byte;
            self.len = self.len.saturating_add(1);
        }
    }

    fn held(&self) -> &[u8] {
        self.held.get(..self.len).unwrap_or_default()
    }
}
