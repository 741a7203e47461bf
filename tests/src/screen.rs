//! What a person would read: the serial byte stream without escape sequences and control bytes.
//!
//! [`Screen`] is fed raw bytes and keeps plain text, line by line. A carriage return without a line
//! feed and "erase line" start the current line over; backspace takes a character back. Text that
//! a test has already matched is behind the *fence* and never changes, so offsets stay valid.

/// Plain text made from a terminal's byte stream.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    text: String,
    fence: usize,
    state: State,
    /// A carriage return came and nothing was printed since.
    at_line_start: bool,
    /// Bytes of a multi-byte character that is not complete yet.
    partial: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    Escape,
    /// `ESC [`: the parameters so far.
    Control(String),
    /// `ESC ]` up to BEL or `ESC \`.
    SystemCommand,
}

impl Screen {
    /// Everything readable so far; the last line may be incomplete.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Forbids later bytes to change the text before `offset`.
    pub(crate) fn fence(&mut self, offset: usize) {
        self.fence = offset;
    }

    /// Takes the next bytes of the stream.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        match &mut self.state {
            State::Text => self.plain(byte),
            State::Escape => match byte {
                b'[' => self.state = State::Control(String::new()),
                b']' => self.state = State::SystemCommand,
                // Intermediate bytes, as in `ESC ( B`: one more byte follows.
                0x20..=0x2f => {}
                _ => self.state = State::Text,
            },
            State::Control(parameters) => match byte {
                0x40..=0x7e => {
                    let whole_line = parameters == "2";
                    let to_the_end = parameters.is_empty() || parameters == "0";
                    if byte == b'K' && (whole_line || to_the_end && self.at_line_start) {
                        self.erase_line();
                    }
                    self.state = State::Text;
                }
                _ => parameters.push(char::from(byte)),
            },
            State::SystemCommand => match byte {
                0x07 => self.state = State::Text,
                0x1b => self.state = State::Escape,
                _ => {}
            },
        }
    }

    fn plain(&mut self, byte: u8) {
        if byte >= 0x80 {
            self.start_over_after_return();
            self.partial.push(byte);
            match std::str::from_utf8(&self.partial) {
                Ok(character) => self.text.push_str(character),
                Err(error) if error.error_len().is_none() => return,
                Err(_) => self.text.push(char::REPLACEMENT_CHARACTER),
            }
            self.partial.clear();
            return;
        }
        if !self.partial.is_empty() {
            self.partial.clear();
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        match byte {
            0x1b => self.state = State::Escape,
            b'\r' => self.at_line_start = true,
            b'\n' => {
                self.at_line_start = false;
                self.text.push('\n');
            }
            0x08 => {
                if self.text.len() > self.fence && !self.text.ends_with('\n') {
                    self.text.pop();
                }
            }
            b'\t' | 0x20..=0x7e => {
                self.start_over_after_return();
                self.text.push(char::from(byte));
            }
            _ => {}
        }
    }

    fn start_over_after_return(&mut self) {
        if self.at_line_start {
            self.erase_line();
            self.at_line_start = false;
        }
    }

    fn erase_line(&mut self) {
        let line = self.text.rfind('\n').map_or(0, |newline| newline + 1);
        self.text.truncate(line.max(self.fence));
    }
}

#[cfg(test)]
mod tests {
    use super::Screen;

    fn shown(bytes: &[u8]) -> String {
        let mut screen = Screen::default();
        screen.feed(bytes);
        screen.text().to_owned()
    }

    #[test]
    fn colours_and_carriage_returns_vanish() {
        assert_eq!(shown(b"\x1b[1;32morbital\x1b[0m> ls\r\n\x1b(Bok\r\n"), "orbital> ls\nok\n");
    }

    #[test]
    fn system_commands_vanish_whichever_way_they_end() {
        assert_eq!(shown(b"\x1b]0;title\x07a\x1b]0;title\x1b\\b"), "ab");
    }

    #[test]
    fn sequences_split_between_reads_vanish_too() {
        let mut screen = Screen::default();
        for byte in b"a\x1b[31mb\x1b[0mc" {
            screen.feed(&[*byte]);
        }
        assert_eq!(screen.text(), "abc");
    }

    #[test]
    fn backspace_takes_one_character_back_but_not_a_line() {
        assert_eq!(shown(b"abx\x08 \x08c"), "abc");
        assert_eq!(shown(b"a\n\x08b"), "a\nb");
    }

    #[test]
    fn a_redrawn_line_is_read_once() {
        assert_eq!(shown(b"> tyop\r\x1b[Kother\r\n> typo"), "other\n> typo");
        assert_eq!(shown(b"first\n> ab\r> abc"), "first\n> abc");
        assert_eq!(shown(b"> abc\x1b[2K\r> x"), "> x");
    }

    #[test]
    fn text_behind_the_fence_stays() {
        let mut screen = Screen::default();
        screen.feed(b"> done");
        screen.fence(screen.text().len());
        screen.feed(b"\r\x1b[Knext\x08\x08\x08\x08\x08\x08");
        assert_eq!(screen.text(), "> done");
    }

    #[test]
    fn characters_of_several_bytes_survive_and_broken_ones_are_marked() {
        assert_eq!(shown("grün →\n".as_bytes()), "grün →\n");
        assert_eq!(shown(b"a\xffb\xc3c"), "a\u{fffd}b\u{fffd}c");
    }
}
