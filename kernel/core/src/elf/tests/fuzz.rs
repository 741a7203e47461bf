//! Bytes nobody meant: the parser never panics, and what it accepts is sound.

use super::accepted::assert_sound;
use super::builder::{File, Ph, part};
use crate::elf::plan;
use proptest::prelude::{ProptestConfig, any, proptest};
use proptest::sample::select;
use std::vec;
use std::vec::Vec;

/// A file with every kind of header, so that changes reach every check.
fn everything() -> Vec<u8> {
    let mut file = File::relocatable();
    file.headers.push(Ph { p_memsz: 0x60, ..part(7, 0x2040, 0x2040, 0x20) });
    file.e_phnum += 1;
    file.build()
}

fn check(bytes: &[u8]) {
    if let Ok(plan) = plan(bytes) {
        assert_sound(&plan);
    }
}

/// Values that sit on the edge of some check.
fn edges() -> Vec<u64> {
    let mut edges = vec![0, 1, 2, 3, 4, 7, 8, 24, 48, 55, 56, 64, 0x600, 0x7ff, 0x2200, 0x2ff8];
    for edge in [0x1000, 0x1_0000, 0x40_0000, 1 << 31, 1 << 32, 0x7fff_ffff_f000, 1 << 47, 1 << 63]
    {
        edges.extend([edge - 1, edge, edge + 1]);
    }
    edges.extend([u64::MAX, u64::MAX - 0xfff, 0u64.wrapping_sub(0x40_0000)]);
    edges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn random_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes);
    }

    #[test]
    fn random_headers_behind_a_valid_start_never_panic(
        tail in proptest::collection::vec(any::<u8>(), 48..600), count in 1..8_u16,
    ) {
        let mut bytes = everything()[..64].to_vec();
        bytes.extend(tail);
        bytes[56..58].copy_from_slice(&count.to_le_bytes());
        check(&bytes);
    }

    #[test]
    fn mutated_files_are_refused_or_sound(
        changes in proptest::collection::vec((0..1200_usize, select(edges()), any::<bool>()), 1..6),
        len in 0..0x3001_usize, cut in any::<bool>(),
    ) {
        let mut bytes = everything();
        for (word, value, wide) in changes {
            // The headers take 43 words; then the dynamic section and the relocation table.
            let at = match word % 60 {
                inside @ 0..44 => inside * 8,
                table @ 44..52 => 0x2200 + (table - 44) * 8,
                rest => 0x600 + (rest - 52) * 8,
            };
            let width = if wide { 8 } else { 1 + word % 4 };
            bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
        }
        check(if cut { &bytes[..len] } else { &bytes });
    }
}

#[test]
fn every_single_byte_change_is_refused_or_sound() {
    let mut bytes = everything();
    for at in (0..400).chain(0x600..0x630).chain(0x2200..0x2240) {
        let old = bytes[at];
        for new in 0..=255 {
            bytes[at] = new;
            check(&bytes);
        }
        bytes[at] = old;
    }
}
