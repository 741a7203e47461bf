//! [`Samples`] of one operation, and the lines that say what came of them.

use core::fmt;

use ulib::println;

/// Most samples of an operation.
const MOST: usize = 256;

/// What one operation took, time after time, in thousandths of a unit.
pub(crate) struct Samples {
    values: [u64; MOST],
    len: usize,
}

impl Samples {
    pub(crate) const fn new() -> Self {
        Self { values: [0; MOST], len: 0 }
    }

    /// Adds a sample: `count` operations took `total`. What is too much is not kept.
    pub(crate) fn add(&mut self, total: u64, count: u64) {
        if let Some(place) = self.values.get_mut(self.len)
            && let Some(value) = (total * 1000).checked_div(count)
        {
            *place = value;
            self.len += 1;
        }
    }

    /// The median, rounded down to whole units; 0 without samples.
    pub(crate) fn median(&mut self) -> u64 {
        let sorted = self.sorted();
        sorted.get(sorted.len() / 2).map_or(0, |value| value / 1000)
    }

    /// Says what they come to; nothing if there are none.
    pub(crate) fn report(&mut self, name: &str, unit: &str, per: &str) {
        let sorted = self.sorted();
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else { return };
        let count = sorted.len();
        println!(
            "bench: {name} median {} min {} max {} mean {} {unit} per {per} ({count} samples)",
            Thousandths(sorted[count / 2]),
            Thousandths(*min),
            Thousandths(*max),
            Thousandths(sorted.iter().sum::<u64>() / count as u64),
        );
    }

    fn sorted(&mut self) -> &[u64] {
        let values = &mut self.values[..self.len];
        values.sort_unstable();
        values
    }
}

/// Says a single value, in thousandths.
pub(crate) fn value(name: impl fmt::Display, thousandths: u64, unit: &str) {
    println!("bench: {name} is {} {unit}", Thousandths(thousandths));
}

/// A number of thousandths as a decimal fraction.
struct Thousandths(u64);

impl fmt::Display for Thousandths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}
