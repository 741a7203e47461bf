//! Numbers and bytes as the protocol writes them: in hexadecimal, two digits for each byte.

use std::fmt::Write;

/// `bytes`, two digits each.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The bytes that `text` stands for, if it does.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) || text.len() % 2 == 1 {
        return None;
    }
    text.as_bytes().chunks(2).map(byte).collect()
}

/// The number that `text` stands for, if it does.
#[must_use]
pub fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// Two numbers with a comma between.
#[must_use]
pub fn pair(text: &str) -> Option<(u64, u64)> {
    let (first, second) = text.split_once(',')?;
    Some((number(first)?, number(second)?))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, pair};

    #[test]
    fn bytes_there_and_back() {
        assert_eq!(encode(&[0, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(decode("000fF0ff"), Some(vec![0, 0x0f, 0xf0, 0xff]));
        assert_eq!(decode(""), Some(vec![]));
    }

    #[test]
    fn half_a_byte_and_other_letters_are_refused() {
        for text in ["0", "0g", "xx", "123"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }

    #[test]
    fn an_address_and_a_length() {
        assert_eq!(pair("400000,1f"), Some((0x40_0000, 0x1f)));
        assert_eq!(pair("400000"), None);
    }
}
