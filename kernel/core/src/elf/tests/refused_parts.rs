//! Relocations, thread-local templates and layouts that are refused, each with one defect.

use super::builder::{Ph, part};
use super::refused::{pie_refused, push, refused};
use crate::elf::Refusal;
use orbital_abi::layout::{USER_END, USER_START};

#[test]
fn relocations_that_cannot_be_applied() {
    for (expected, relocation) in [
        (Refusal::UnknownRelocation, (0x2000, 1, 0)),
        (Refusal::UnknownRelocation, (0x2000, 37, 0)),
        (Refusal::UnknownRelocation, (0x2000, 8 | 1 << 32, 0)),
        (Refusal::UnknownRelocation, (0x2000, 0, 0)),
        (Refusal::BadRelocationTarget, (0x22f9, 8, 0)),
        (Refusal::BadRelocationTarget, (0x2300, 8, 0)),
        (Refusal::BadRelocationTarget, (0x7fc, 8, 0)),
        (Refusal::BadRelocationTarget, (u64::MAX, 8, 0)),
        (Refusal::BadRelocationTarget, (USER_END, 8, 0)),
        (Refusal::BadRelocationTarget, (0x0u64.wrapping_sub(0x40_0000), 8, 0)),
    ] {
        pie_refused(expected, |file| file.relocations(&[(0x2000, 8, 0), relocation]));
    }
}

#[test]
fn a_dynamic_section_that_makes_no_sense() {
    for (expected, entries) in [
        (Refusal::BadRelocationTable, &[(7, 0x600), (8, 48), (9, 16)][..]),
        (Refusal::BadRelocationTable, &[(7, 0x600), (8, 47)]),
        (Refusal::BadRelocationTable, &[(7, 0x600), (8, u64::MAX)]),
        (Refusal::BadRelocationTable, &[(7, 0x7f0), (8, 48)]),
        (Refusal::BadRelocationTable, &[(7, u64::MAX), (8, 48)]),
        (Refusal::BadRelocationTable, &[(8, 48)]),
        (Refusal::UnknownRelocation, &[(17, 0x600)]),
        (Refusal::UnknownRelocation, &[(18, 16)]),
        (Refusal::UnknownRelocation, &[(35, 8)]),
        (Refusal::UnknownRelocation, &[(2, 24)]),
        (Refusal::NeedsLibrary, &[(1, 1)]),
    ] {
        pie_refused(expected, |file| {
            file.dynamic(entries);
            file.put(0x2200 + 16 * entries.len() as u64, [0, 0].into_iter());
        });
    }
    pie_refused(Refusal::SeveralDynamic, |file| push(file, part(2, 0x2200, 0x2200, 0x40)));
    for p_offset in [0x2fff, u64::MAX] {
        pie_refused(Refusal::BadDynamic, |file| file.headers[3].p_offset = p_offset);
    }
    // The same table where the file has no bytes for it.
    pie_refused(Refusal::BadRelocationTable, |file| {
        file.headers[2].p_memsz = 0x1000;
        file.dynamic(&[(7, 0x2400), (8, 48), (9, 24), (0, 0)]);
    });
}

#[test]
fn a_thread_local_template_that_makes_no_sense() {
    let tls = part(7, 0x2100, 0x40_2100, 0x30);
    for header in [
        Ph { p_offset: 0x2fff, ..tls },
        Ph { p_offset: u64::MAX, ..tls },
        Ph { p_memsz: 0x2f, ..tls },
        Ph { p_memsz: USER_END + 1, ..tls },
        Ph { p_align: 3, ..tls },
        Ph { p_align: 0x2000, ..tls },
    ] {
        refused(Refusal::BadTls, |file| push(file, header));
    }
    refused(Refusal::NoRoom, |file| push(file, Ph { p_memsz: USER_END, ..tls }));
    refused(Refusal::SeveralTls, |file| {
        push(file, tls);
        push(file, tls);
    });
}

#[test]
fn a_program_that_leaves_no_room_for_its_stack() {
    refused(Refusal::NoRoom, |file| {
        file.headers.truncate(2);
        file.e_phnum = 2;
        file.headers[0].p_vaddr = USER_START;
        file.headers[0].p_memsz = 0x40_1000 - USER_START;
        file.headers[1].p_memsz = USER_END - 0x40_1000;
    });
}
