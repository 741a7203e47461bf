//! Files that are refused for their file header, and how all such tests are made.

use super::builder::{File, Ph, part};
use crate::elf::{Refusal, plan};
use orbital_abi::layout::USER_END;
use std::format;

/// Asserts what is said of a valid fixed executable after `change`.
pub(super) fn refused(expected: Refusal, change: impl FnOnce(&mut File)) {
    let mut file = File::fixed();
    change(&mut file);
    assert_eq!(plan(&file.build()).map(|_| ()), Err(expected), "{file:x?}");
}

/// The same for a static-PIE.
pub(super) fn pie_refused(expected: Refusal, change: impl FnOnce(&mut File)) {
    let mut file = File::relocatable();
    change(&mut file);
    assert_eq!(plan(&file.build()).map(|_| ()), Err(expected), "{file:x?}");
}

/// The same after a change of the data segment, which is the last.
pub(super) fn data_refused(expected: Refusal, change: impl FnOnce(&mut Ph)) {
    refused(expected, |file| change(&mut file.headers[2]));
}

pub(super) fn push(file: &mut File, header: Ph) {
    file.headers.push(header);
    file.e_phnum += 1;
}

#[test]
fn a_file_cut_anywhere_in_its_headers() {
    let bytes = File::fixed().build();
    for len in 0..64 {
        assert_eq!(plan(&bytes[..len]).map(|_| ()), Err(Refusal::Truncated), "{len}");
    }
    for len in 64..64 + 3 * 56 {
        assert_eq!(plan(&bytes[..len]).map(|_| ()), Err(Refusal::HeadersOutsideFile), "{len}");
    }
    for len in 64 + 3 * 56..0x2300 {
        assert_eq!(plan(&bytes[..len]).map(|_| ()), Err(Refusal::SegmentOutsideFile), "{len}");
    }
    assert!(plan(&bytes[..0x2300]).is_ok());
}

#[test]
fn each_byte_of_the_identification() {
    let ident = |at: usize, value: u8| move |file: &mut File| file.ident[at] = value;
    for at in 0..4 {
        refused(Refusal::NotElf, ident(at, b'?'));
    }
    for class in [0, 1, 3, 255] {
        refused(Refusal::Not64Bit, ident(4, class));
    }
    for encoding in [0, 2, 255] {
        refused(Refusal::NotLittleEndian, ident(5, encoding));
    }
    for version in [0, 2, 255] {
        refused(Refusal::UnknownVersion, ident(6, version));
    }
}

#[test]
fn each_field_of_the_file_header() {
    for e_type in [0, 1, 4, 0xfe00, u16::MAX] {
        refused(Refusal::NotExecutable, |file| file.e_type = e_type);
    }
    for e_machine in [0, 3, 183, 243, u16::MAX] {
        refused(Refusal::WrongMachine, |file| file.e_machine = e_machine);
    }
    for e_version in [0, 2, u32::MAX] {
        refused(Refusal::UnknownVersion, |file| file.e_version = e_version);
    }
    for e_ehsize in [0, 52, 63] {
        refused(Refusal::BadHeaderSize, |file| file.e_ehsize = e_ehsize);
    }
    for e_phentsize in [0, 32, 55, 57, 64, u16::MAX] {
        refused(Refusal::BadHeaderSize, |file| file.e_phentsize = e_phentsize);
    }
    for e_phnum in [0, 65, u16::MAX] {
        refused(Refusal::BadHeaderCount, |file| file.e_phnum = e_phnum);
    }
    for e_phoff in [0x3000 - 3 * 56 + 1, 0x3000, 0x3001, u64::MAX - 100, u64::MAX] {
        refused(Refusal::HeadersOutsideFile, |file| file.e_phoff = e_phoff);
    }
}

#[test]
fn an_entry_point_that_is_not_code_of_the_file() {
    for e_entry in [0, 1, 0x40_0000, 0x40_0fff, 0x40_1500, 0x40_2100, USER_END, u64::MAX] {
        refused(Refusal::BadEntry, |file| file.e_entry = e_entry);
    }
    refused(Refusal::BadEntry, |file| {
        // In the executable segment, but where it is zero-filled.
        (file.headers[1].p_memsz, file.e_entry) = (0x1000, 0x40_1500);
    });
    for e_entry in [u64::MAX, u64::MAX - 0x40_0000 + 1] {
        pie_refused(Refusal::BadEntry, |file| file.e_entry = e_entry);
    }
}

#[test]
fn a_program_that_wants_an_interpreter_or_has_nothing_to_load() {
    refused(Refusal::NeedsInterpreter, |file| push(file, part(3, 0, 0, 8)));
    refused(Refusal::NoSegments, |file| file.headers.iter_mut().for_each(|ph| ph.p_type = 4));
    refused(Refusal::NoSegments, |file| {
        file.headers.iter_mut().for_each(|ph| (ph.p_filesz, ph.p_memsz) = (0, 0));
    });
}

#[test]
fn reasons_are_short_words_without_capitals_or_full_stops() {
    for refusal in [Refusal::Truncated, Refusal::Overlap, Refusal::NoRoom, Refusal::BadTls] {
        let words = format!("{refusal}");
        assert!(words.len() < 60 && !words.ends_with('.'), "{words}");
    }
}
