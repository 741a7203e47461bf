//! Packets of gdb's remote serial protocol: framing, checksum, escapes, run lengths.
//!
//! `$data#cc`, where `cc` is the sum of the bytes between, modulo 256, in hexadecimal. `}` and a
//! byte stand for that byte with bit 5 turned over; `*` and a byte repeat the last one, but only in
//! what a stub says (gdb manual, appendix "Remote Protocol", "Overview").

/// What arrives on one side of the protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// A packet's data.
    Packet(Vec<u8>),
    /// The last packet arrived.
    Ack,
    /// The last packet has to be sent again.
    Nack,
    /// A packet arrived, with a wrong checksum or an escape that is none.
    Damaged,
    /// gdb's Ctrl-C.
    Interrupt,
}

/// Who speaks: only a stub shortens repetitions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speaker {
    /// gdb.
    Gdb,
    /// A stub.
    Stub,
}

/// Finds the items in a stream of bytes.
#[derive(Debug)]
pub struct Decoder {
    speaker: Speaker,
    state: State,
    raw: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Between,
    Data,
    Checksum(Option<u8>),
}

const INTERRUPT: u8 = 0x03;
const ESCAPE: u8 = b'}';
const ESCAPED: u8 = 0x20;
/// A run's count is this much below the character that stands for it.
const RUN_BIAS: u8 = 29;

impl Decoder {
    /// A decoder for what `speaker` says, between two packets.
    #[must_use]
    pub fn new(speaker: Speaker) -> Self {
        Self { speaker, state: State::Between, raw: Vec::new() }
    }

    /// Takes the next byte in; the item that it completes, if it does.
    pub fn push(&mut self, byte: u8) -> Option<Item> {
        match (self.state, byte) {
            // A packet that starts inside another: the rest of the first one was lost.
            (State::Between | State::Data, b'$') => {
                self.raw.clear();
                self.state = State::Data;
                None
            }
            (State::Between, b'+') => Some(Item::Ack),
            (State::Between, b'-') => Some(Item::Nack),
            (State::Between, INTERRUPT) => Some(Item::Interrupt),
            (State::Between, _) => None,
            (State::Data, b'#') => {
                self.state = State::Checksum(None);
                None
            }
            (State::Data, _) => {
                self.raw.push(byte);
                None
            }
            (State::Checksum(None), _) => {
                self.state = State::Checksum(Some(byte));
                None
            }
            (State::Checksum(Some(high)), _) => {
                self.state = State::Between;
                let sent = hex_digit(high).zip(hex_digit(byte)).map(|(high, low)| high << 4 | low);
                let data = (sent == Some(checksum(&self.raw))).then(|| self.data()).flatten();
                Some(data.map_or(Item::Damaged, Item::Packet))
            }
        }
    }

    /// What the raw bytes of a packet stand for.
    fn data(&self) -> Option<Vec<u8>> {
        let mut data = Vec::with_capacity(self.raw.len());
        let mut bytes = self.raw.iter();
        while let Some(&byte) = bytes.next() {
            match byte {
                ESCAPE => data.push(bytes.next()? ^ ESCAPED),
                b'*' if self.speaker == Speaker::Stub => {
                    let count = bytes.next()?.checked_sub(RUN_BIAS)?;
                    let repeated = *data.last()?;
                    data.extend(std::iter::repeat_n(repeated, count.into()));
                }
                _ => data.push(byte),
            }
        }
        Some(data)
    }
}

/// The packet that carries `data`, as it goes over the wire.
#[must_use]
pub fn frame(data: &[u8]) -> Vec<u8> {
    let mut packet = vec![b'$'];
    for &byte in data {
        if matches!(byte, b'$' | b'#' | b'*' | ESCAPE) {
            packet.extend([ESCAPE, byte ^ ESCAPED]);
        } else {
            packet.push(byte);
        }
    }
    let sum = checksum(&packet[1..]);
    packet.extend(format!("#{sum:02x}").bytes());
    packet
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Item, Speaker, frame};

    fn decode(speaker: Speaker, bytes: &[u8]) -> Vec<Item> {
        let mut decoder = Decoder::new(speaker);
        bytes.iter().filter_map(|byte| decoder.push(*byte)).collect()
    }

    fn packet(data: &[u8]) -> Item {
        Item::Packet(data.to_vec())
    }

    #[test]
    fn a_packet_is_framed_with_its_checksum() {
        assert_eq!(frame(b"OK"), b"$OK#9a");
        assert_eq!(frame(b""), b"$#00");
        assert_eq!(decode(Speaker::Gdb, b"$OK#9a"), [packet(b"OK")]);
        assert_eq!(decode(Speaker::Gdb, b"$#00"), [packet(b"")]);
    }

    #[test]
    fn every_byte_survives_framing() {
        let all: Vec<u8> = (0..=255).collect();
        for speaker in [Speaker::Gdb, Speaker::Stub] {
            assert_eq!(decode(speaker, &frame(&all)), [packet(&all)]);
        }
    }

    #[test]
    fn special_bytes_are_escaped() {
        assert_eq!(&frame(b"a}b$c#d*")[..13], b"$a}]b}\x04c}\x03d}\x0a");
    }

    #[test]
    fn a_wrong_checksum_is_noticed_and_the_next_packet_is_not() {
        assert_eq!(
            decode(Speaker::Gdb, b"$OK#9b$OK#9a$OK#x1"),
            [Item::Damaged, packet(b"OK"), Item::Damaged]
        );
    }

    #[test]
    fn a_run_is_the_last_byte_again() {
        // "0* " is four zeros: ' ' is 32, three more.
        assert_eq!(decode(Speaker::Stub, b"$0* #7a"), [packet(b"0000")]);
        assert_eq!(decode(Speaker::Stub, b"$a0*\"1#0e"), [packet(b"a0000001")]);
    }

    #[test]
    fn gdb_does_not_send_runs() {
        assert_eq!(decode(Speaker::Gdb, b"$0* #7a"), [packet(b"0* ")]);
    }

    #[test]
    fn a_run_without_a_byte_to_repeat_and_an_unfinished_escape_are_damage() {
        assert_eq!(decode(Speaker::Stub, b"$* #4a"), [Item::Damaged]);
        assert_eq!(decode(Speaker::Stub, b"$a}#de"), [Item::Damaged]);
    }

    #[test]
    fn acknowledgements_and_the_interrupt_stand_between_packets() {
        assert_eq!(
            decode(Speaker::Gdb, b"+-\x03$a\x03#64+"),
            [Item::Ack, Item::Nack, Item::Interrupt, packet(b"a\x03"), Item::Ack]
        );
    }

    #[test]
    fn a_packet_that_breaks_off_does_not_swallow_the_next() {
        assert_eq!(decode(Speaker::Gdb, b"$vCo$OK#9a"), [packet(b"OK")]);
    }
}
