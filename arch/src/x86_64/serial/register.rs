//! Registers of the 16550 and their bits (National Semiconductor PC16550D data sheet, table 2).

/// Receiver buffer, transmitter holding register; divisor's low byte.
pub(super) const DATA: u16 = 0;
/// Divisor's high byte while the latch is open.
pub(super) const INTERRUPT_ENABLE: u16 = 1;
pub(super) const INTERRUPT_CAUSE: u16 = 2;
pub(super) const FIFO_CONTROL: u16 = 2;
pub(super) const LINE_CONTROL: u16 = 3;
pub(super) const MODEM_CONTROL: u16 = 4;
pub(super) const LINE_STATUS: u16 = 5;
pub(super) const MODEM_STATUS: u16 = 6;

pub(super) const ENABLE_RECEIVE: u8 = 1 << 0;
pub(super) const ENABLE_TRANSMIT: u8 = 1 << 1;
pub(super) const ENABLE_LINE_STATUS: u8 = 1 << 2;

/// FIFOs on; interrupt from the first byte received, which leaves the other fifteen
/// as the time to come and get them.
pub(super) const FIFO_ON: u8 = 0b0000_0001;

pub(super) const EIGHT_BITS_NO_PARITY_ONE_STOP: u8 = 0b0000_0011;
pub(super) const DIVISOR_LATCH: u8 = 1 << 7;
/// 115,200 baud.
pub(super) const DIVISOR: [u8; 2] = [1, 0];

/// Terminal ready, request to send, and OUT2, which connects the interrupt line on a PC.
pub(super) const MODEM_READY: u8 = 0b0000_1011;
pub(super) const MODEM_LOOPBACK: u8 = 1 << 4;

pub(super) const DATA_READY: u8 = 1 << 0;
pub(super) const OVERRUN: u8 = 1 << 1;
pub(super) const PARITY: u8 = 1 << 2;
pub(super) const FRAMING: u8 = 1 << 3;
pub(super) const BREAK: u8 = 1 << 4;
pub(super) const TRANSMIT_EMPTY: u8 = 1 << 5;
pub(super) const TRANSMITTER_IDLE: u8 = 1 << 6;
