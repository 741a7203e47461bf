//! Files with random defects, the same ones for the same seed.

use crate::builder::{BASE, DATA, DYNAMIC, END, File, PAGE, TABLES};

/// SplitMix64 (Steele, Lea, Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// An index below `length`.
    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.next() % length as u64).unwrap_or(0)
    }

    /// A program with one to four changes in its headers, relocations or dynamic section, and
    /// now and then its end cut off.
    pub(crate) fn file(&mut self) -> Vec<u8> {
        let file = if self.next() & 1 == 0 { File::fixed() } else { File::relocatable(1) };
        let mut bytes = file.bytes();
        for _ in 0..=self.index(4) {
            let place = self.place();
            let width = [1, 2, 4, 8][self.index(4)];
            let value = self.value().to_le_bytes();
            bytes[place..][..width].copy_from_slice(&value[..width]);
        }
        if self.index(16) == 0 {
            bytes.truncate(self.index(bytes.len()));
        }
        bytes
    }

    /// An offset in the file header, the program headers, the relocations or the dynamic section.
    fn place(&mut self) -> usize {
        let (start, length) =
            [(0, 64), (64, 4 * 56), (64, 4 * 56), (TABLES, 24), (DYNAMIC, 64)][self.index(5)];
        usize::try_from(start).unwrap_or(0) + self.index(length)
    }

    /// A number on the edge of some check, or any.
    fn value(&mut self) -> u64 {
        const EDGES: [u64; 20] = [
            0,
            1,
            2,
            3,
            4,
            5,
            6,
            7,
            8,
            24,
            56,
            64,
            DATA,
            END,
            PAGE,
            0x1_0000,
            BASE,
            BASE + PAGE,
            0x7fff_ffff_f000,
            1 << 63,
        ];
        match self.index(4) {
            0 => self.next(),
            1 => EDGES[self.index(EDGES.len())].wrapping_sub(1),
            2 => 1 << self.index(64),
            _ => EDGES[self.index(EDGES.len())],
        }
    }
}
