//! Typing, and controllers that answer, fail, or are not there.

use std::{collections::VecDeque, string::String, vec::Vec};

use proptest::prelude::*;

use super::*;

fn typed(codes: &[u8]) -> Vec<KeyEvent> {
    let mut decoder = Decoder::new();
    codes.iter().filter_map(|code| decoder.feed(*code)).collect()
}

fn text(codes: &[u8]) -> String {
    typed(codes)
        .iter()
        .map(|event| match event {
            KeyEvent::Bytes(bytes) => String::from_utf8(bytes.as_slice().to_vec()).unwrap(),
            other => panic!("{other:?} is no text"),
        })
        .collect()
}

#[test]
fn letters_digits_and_shift() {
    assert_eq!(text(&[0x23, 0xa3, 0x17, 0x97, 0x02, 0x82]), "hi1");
    assert_eq!(text(&[0x2a, 0x23, 0xa3, 0x02, 0xaa, 0x17]), "H!i");
}

#[test]
fn enter_backspace_tab_and_escape_are_what_a_terminal_sends() {
    assert_eq!(text(&[0x1c]), "\r");
    assert_eq!(text(&[0xe0, 0x1c]), "\r");
    assert_eq!(text(&[0x0e]), "\x7f");
    assert_eq!(text(&[0x0f]), "\t");
    assert_eq!(text(&[0x01]), "\x1b");
}

#[test]
fn cursor_and_editing_keys_send_sequences() {
    let keys = [
        (0x48, "\x1b[A"),
        (0x50, "\x1b[B"),
        (0x4d, "\x1b[C"),
        (0x4b, "\x1b[D"),
        (0x47, "\x1b[H"),
        (0x4f, "\x1b[F"),
        (0x52, "\x1b[2~"),
        (0x53, "\x1b[3~"),
        (0x49, "\x1b[5~"),
        (0x51, "\x1b[6~"),
    ];
    for (code, sequence) in keys {
        assert_eq!(text(&[0xe0, code, 0xe0, code | 0x80]), sequence);
    }
}

#[test]
fn control_makes_control_characters() {
    // Ctrl with C, D, U, [, \, ].
    assert_eq!(text(&[0x1d, 0x2e, 0x20, 0x16, 0x1a, 0x2b, 0x1b]), "\x03\x04\x15\x1b\x1c\x1d");
    // Released, letters are letters.
    assert_eq!(text(&[0x1d, 0x2e, 0x9d, 0x2e]), "\x03c");
    // Ctrl-@ is a null byte, and Ctrl-_ needs Shift too.
    assert_eq!(text(&[0x1d, 0x2a, 0x03, 0x0c]), "\x00\x1f");
}

#[test]
fn function_keys_and_alt_tab_move_the_focus() {
    assert_eq!(typed(&[0x3b, 0xbb]), [KeyEvent::Focus(1)]);
    assert_eq!(typed(&[0x3e, 0xbe]), [KeyEvent::Focus(4)]);
    assert_eq!(typed(&[0x58]), [KeyEvent::Focus(12)]);
    assert_eq!(typed(&[0x38, 0x0f, 0x8f, 0xb8]), [KeyEvent::FocusNext]);
    assert_eq!(text(&[0x38, 0xb8, 0x0f]), "\t");
}

#[test]
fn modifiers_releases_and_unknown_codes_send_nothing() {
    assert_eq!(typed(&[0x2a, 0xaa, 0x1d, 0x9d, 0x38, 0xb8, 0x9e, 0x00, 0xfa, 0xfe, 0xff]), []);
    // What follows them is understood.
    assert_eq!(text(&[0xff, 0x7f, 0xe0, 0x7e, 0x1e]), "a");
}

proptest! {
    #[test]
    fn any_bytes_are_survived(codes in prop::collection::vec(any::<u8>(), 0..200)) {
        for event in typed(&codes) {
            if let KeyEvent::Bytes(bytes) = event {
                prop_assert!((1..=4).contains(&bytes.as_slice().len()));
            }
        }
    }
}

/// A controller, its answers made by the test.
#[derive(Default)]
struct Controller {
    configuration: u8,
    next_is_configuration: bool,
    output: VecDeque<u8>,
    test_fails: bool,
    no_keyboard: bool,
    resends: usize,
    from_mouse: bool,
    /// Its output buffer never empties.
    babbling: bool,
    /// Its input buffer never empties.
    deaf: bool,
}

impl Ports for Controller {
    fn read(&mut self, offset: u16) -> u8 {
        if offset == DATA {
            return self.output.pop_front().unwrap_or(0x1e);
        }
        let flag = |set, bit| if set { bit } else { 0 };
        flag(self.babbling || !self.output.is_empty(), OUTPUT_FULL)
            | flag(self.deaf, INPUT_FULL)
            | flag(self.from_mouse, FROM_MOUSE)
    }

    fn write(&mut self, offset: u16, value: u8) {
        match (offset, value) {
            (STATUS, READ_CONFIGURATION) => self.output.push_back(self.configuration),
            (STATUS, WRITE_CONFIGURATION) => self.next_is_configuration = true,
            (STATUS, TEST_CONTROLLER) => {
                self.output.push_back(if self.test_fails { 0xfc } else { TEST_PASSED });
            }
            (DATA, value) if self.next_is_configuration => {
                self.next_is_configuration = false;
                self.configuration = value;
            }
            (DATA, ENABLE_SCANNING) if self.resends > 0 => {
                self.resends -= 1;
                self.output.push_back(RESEND);
            }
            (DATA, ENABLE_SCANNING) if !self.no_keyboard => self.output.push_back(ACKNOWLEDGE),
            _ => {}
        }
    }
}

#[test]
fn the_controller_translates_and_interrupts_for_the_keyboard_only() {
    let controller = Controller { configuration: MOUSE_INTERRUPT, ..Controller::default() };
    let keyboard = Keyboard::new(controller).unwrap();
    let expected = KEYBOARD_INTERRUPT | TRANSLATE | MOUSE_CLOCK_OFF;
    assert_eq!(keyboard.ports.configuration, expected);
}

#[test]
fn typing_arrives_and_the_mouse_does_not() {
    let mut keyboard = Keyboard::new(Controller::default()).unwrap();
    keyboard.ports.output.extend([0x2a, 0x1e, 0x9e, 0xaa]);
    let event = keyboard.next_event();
    assert!(matches!(event, Some(KeyEvent::Bytes(bytes)) if bytes.as_slice() == b"A"));
    assert_eq!(keyboard.next_event(), None);
    keyboard.ports.from_mouse = true;
    keyboard.ports.output.extend([0x1e, 0x9e]);
    assert_eq!(keyboard.next_event(), None);
    assert!(keyboard.ports.output.is_empty());
}

#[test]
fn missing_and_broken_parts_are_told() {
    struct Floating;
    impl Ports for Floating {
        fn read(&mut self, _: u16) -> u8 {
            0xff
        }
        fn write(&mut self, _: u16, _: u8) {}
    }
    assert_eq!(Keyboard::new(Floating).err(), Some(Error::NoController));
    let deaf = Controller { deaf: true, ..Controller::default() };
    assert_eq!(Keyboard::new(deaf).err(), Some(Error::NoController));
    let broken = Controller { test_fails: true, ..Controller::default() };
    assert_eq!(Keyboard::new(broken).err(), Some(Error::TestFailed));
    let alone = Controller { no_keyboard: true, ..Controller::default() };
    assert_eq!(Keyboard::new(alone).err(), Some(Error::NoKeyboard));
    let refusing = Controller { resends: usize::MAX, ..Controller::default() };
    assert_eq!(Keyboard::new(refusing).err(), Some(Error::NoKeyboard));
    let hesitant = Controller { resends: 1, ..Controller::default() };
    assert!(Keyboard::new(hesitant).is_ok());
}

#[test]
fn a_controller_that_never_stops_does_not_keep_the_caller() {
    let mut keyboard = Keyboard::new(Controller::default()).unwrap();
    keyboard.ports.babbling = true;
    keyboard.ports.from_mouse = true;
    assert_eq!(keyboard.next_event(), None);
}
