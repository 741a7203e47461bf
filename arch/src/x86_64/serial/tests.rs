//! The driver against a model of the chip.

use std::{collections::VecDeque, vec::Vec};

use super::*;

/// A 16550 whose line is driven by the test.
#[derive(Default)]
struct Chip {
    interrupt_enable: u8,
    line_control: u8,
    modem_control: u8,
    divisor: [u8; 2],
    received: VecDeque<u8>,
    sent: Vec<u8>,
    in_fifo: usize,
    errors: u8,
    transmit_pending: bool,
    /// The transmitter never empties.
    stuck: bool,
    /// Looped-back bytes are lost.
    deaf: bool,
    /// Bytes that are typed while the port is tested.
    typed: usize,
    /// What QEMU has from the host and passes on when the data register is read, unless the port
    /// hears itself.
    outside: Vec<u8>,
}

impl Chip {
    fn latch_open(&self) -> bool {
        self.line_control & register::DIVISOR_LATCH != 0
    }

    /// The line has taken all bytes.
    fn drain(&mut self) {
        self.in_fifo = 0;
        self.transmit_pending = true;
    }
}

impl Ports for Chip {
    fn read(&mut self, offset: u16) -> u8 {
        match offset {
            register::DATA => {
                let byte = self.received.pop_front().unwrap_or(0);
                if self.modem_control & register::MODEM_LOOPBACK == 0 {
                    self.received.extend(self.outside.drain(..));
                }
                byte
            }
            register::INTERRUPT_CAUSE => {
                let enabled = |bit| self.interrupt_enable & bit != 0;
                if enabled(register::ENABLE_LINE_STATUS) && self.errors != 0 {
                    0xc6
                } else if enabled(register::ENABLE_RECEIVE) && !self.received.is_empty() {
                    0xc4
                } else if enabled(register::ENABLE_TRANSMIT) && self.transmit_pending {
                    self.transmit_pending = false;
                    0xc2
                } else {
                    0xc1
                }
            }
            register::LINE_STATUS => {
                let room = self.in_fifo == 0 && !self.stuck;
                let transmit =
                    if room { register::TRANSMIT_EMPTY | register::TRANSMITTER_IDLE } else { 0 };
                let ready = u8::from(!self.received.is_empty()) * register::DATA_READY;
                core::mem::take(&mut self.errors) | transmit | ready
            }
            _ => 0,
        }
    }

    fn write(&mut self, offset: u16, value: u8) {
        match offset {
            register::DATA if self.latch_open() => self.divisor[0] = value,
            register::INTERRUPT_ENABLE if self.latch_open() => self.divisor[1] = value,
            register::DATA if self.modem_control & register::MODEM_LOOPBACK != 0 => {
                self.received.extend(core::iter::repeat_n(b'e', self.typed));
                if !self.deaf {
                    self.received.push_back(value);
                }
            }
            register::DATA => {
                assert!(self.in_fifo < FIFO_LENGTH, "a byte was lost");
                self.in_fifo += 1;
                self.sent.push(value);
            }
            register::INTERRUPT_ENABLE => {
                let newly = value & !self.interrupt_enable & register::ENABLE_TRANSMIT != 0;
                self.interrupt_enable = value;
                self.transmit_pending = newly && self.in_fifo == 0;
            }
            // Turning the FIFOs on empties them.
            register::FIFO_CONTROL => {
                assert_eq!(value & 0b110, 0, "what is in a FIFO that was on is not to be lost");
                self.received.clear();
            }
            register::LINE_CONTROL => self.line_control = value,
            register::MODEM_CONTROL => self.modem_control = value,
            _ => {}
        }
    }
}

fn port() -> SerialPort<Chip> {
    SerialPort::new(Chip::default()).unwrap()
}

#[test]
fn it_is_set_up_for_115200_8n1_without_interrupts() {
    let chip = port().ports;
    assert_eq!(chip.divisor, [1, 0]);
    assert_eq!(chip.line_control, register::EIGHT_BITS_NO_PARITY_ONE_STOP);
    assert_eq!(chip.modem_control, register::MODEM_READY);
    assert_eq!(chip.interrupt_enable, 0);
    assert!(chip.sent.is_empty());
}

#[test]
fn what_is_not_a_port_is_absent() {
    /// Nothing answers on the bus.
    struct Floating;
    impl Ports for Floating {
        fn read(&mut self, _: u16) -> u8 {
            0xff
        }
        fn write(&mut self, _: u16, _: u8) {}
    }
    assert_eq!(SerialPort::new(Floating).err(), Some(Absent));
    let deaf = Chip { deaf: true, ..Chip::default() };
    assert_eq!(SerialPort::new(deaf).err(), Some(Absent));
}

#[test]
fn what_waits_outside_while_the_port_is_tested_is_let_in() {
    let mut port = SerialPort::new(Chip { outside: b"\r".to_vec(), ..Chip::default() }).unwrap();
    assert_eq!(port.read_byte(), Some(b'\r'));
}

#[test]
fn typing_during_the_test_does_not_hide_the_port() {
    let typed = FIFO_LENGTH - 1;
    let chip = Chip { typed, ..Chip::default() };
    assert!(SerialPort::new(chip).is_ok());
}

#[test]
fn what_is_typed_before_and_during_the_set_up_is_received() {
    let chip = Chip { typed: 3, received: VecDeque::from([b'a']), ..Chip::default() };
    let mut port = SerialPort::new(chip).unwrap();
    port.ports.received.push_back(b'z');
    port.enable_receive_interrupt();
    assert_eq!(port.interrupt_cause(), Some(Cause::Received));
    let received: Vec<_> = core::iter::from_fn(|| port.read_byte()).collect();
    assert_eq!(received, b"aeeeeeez");
    assert_eq!(port.interrupt_cause(), None);
}

#[test]
fn bytes_are_received_in_order() {
    let mut port = port();
    port.ports.received.extend(*b"ok");
    assert_eq!(port.read_byte(), Some(b'o'));
    assert_eq!(port.read_byte(), Some(b'k'));
    assert_eq!(port.read_byte(), None);
}

#[test]
fn the_fifo_is_filled_only_when_it_is_empty() {
    let mut port = port();
    let text = [b'x'; 40];
    assert_eq!(port.try_write(&text), FIFO_LENGTH);
    assert_eq!(port.try_write(&text[FIFO_LENGTH..]), 0);
    port.ports.drain();
    assert_eq!(port.try_write(&text[..3]), 3);
    assert_eq!(port.ports.sent.len(), FIFO_LENGTH + 3);
}

#[test]
fn a_stuck_transmitter_costs_bytes_not_time() {
    let mut port = port();
    port.ports.stuck = true;
    assert!(!port.write_byte_blocking(b'x'));
    assert_eq!(port.try_write(b"x"), 0);
    port.ports.stuck = false;
    assert!(port.write_byte_blocking(b'y'));
    assert_eq!(port.ports.sent, b"y");
}

#[test]
fn serving_every_cause_sends_a_long_text_and_ends() {
    let mut port = port();
    let text: Vec<u8> = (0..100).collect();
    let mut next = 0;
    port.enable_transmit_interrupt(true);
    while let Some(cause) = port.interrupt_cause() {
        assert_eq!(cause, Cause::TransmitEmpty);
        if next == text.len() {
            port.enable_transmit_interrupt(false);
        }
        next += port.try_write(&text[next..]);
        port.ports.drain();
    }
    assert_eq!(port.ports.sent, text);
}

#[test]
fn errors_come_before_bytes_before_room() {
    let mut port = port();
    port.enable_receive_interrupt();
    port.enable_transmit_interrupt(true);
    port.ports.received.push_back(b'x');
    port.ports.errors = register::OVERRUN;
    assert_eq!(port.interrupt_cause(), Some(Cause::LineStatus));
    assert_eq!(port.interrupt_cause(), Some(Cause::Received));
    assert_eq!(port.read_byte(), Some(b'x'));
    assert_eq!(port.interrupt_cause(), Some(Cause::TransmitEmpty));
    assert_eq!(port.interrupt_cause(), None);
}

#[test]
fn line_errors_are_counted_once_whoever_sees_them() {
    let mut port = port();
    assert_eq!(port.line_errors(), LineErrors::default());
    port.ports.errors = register::OVERRUN | register::FRAMING;
    port.read_byte();
    port.ports.errors = register::OVERRUN;
    port.try_write(b"x");
    port.ports.errors = register::PARITY | register::BREAK;
    port.read_byte();
    port.read_byte();
    let expected = LineErrors { overruns: 2, parity: 1, framing: 1, breaks: 1 };
    assert_eq!(port.line_errors(), expected);
}

#[test]
fn turning_transmit_off_leaves_receive_on() {
    let mut port = port();
    port.enable_receive_interrupt();
    port.enable_transmit_interrupt(true);
    port.enable_transmit_interrupt(false);
    assert_eq!(
        port.ports.interrupt_enable,
        register::ENABLE_RECEIVE | register::ENABLE_LINE_STATUS
    );
}
