//! Lengths of time as people write them: a number and a unit, `10ms`.

use core::fmt;

/// The units, the longest first, with their nanoseconds.
const UNITS: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];

/// Reads a whole number followed by `ns`, `us`, `ms` or `s`; in nanoseconds.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let unit_of = |(unit, nanos): &(&str, u64)| {
        let digits = text.strip_suffix(unit)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some((digits, *nanos))
    };
    let (digits, nanos) = UNITS.iter().find_map(unit_of)?;
    digits.parse::<u64>().ok()?.checked_mul(nanos)
}

/// Nanoseconds, shown as a whole number in the longest unit that keeps them exact.
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub u64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = |(_, nanos): &&(&str, u64)| self.0.is_multiple_of(*nanos) && self.0 > 0;
        let (unit, nanos) = UNITS.iter().find(exact).unwrap_or(&UNITS[0]);
        write!(f, "{}{unit}", self.0 / nanos)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::{Shown, parse};

    #[test]
    fn what_is_shown_reads_back() {
        for (text, nanos) in [
            ("0s", 0),
            ("1ns", 1),
            ("100us", 100_000),
            ("10ms", 10_000_000),
            ("1500us", 1_500_000),
            ("1s", 1_000_000_000),
        ] {
            assert_eq!(parse(text), Some(nanos));
            assert_eq!(Shown(nanos).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in ["", "s", "ms", "10", "1m", "-1s", "+1s", "1.5s", " 1s", "99999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
