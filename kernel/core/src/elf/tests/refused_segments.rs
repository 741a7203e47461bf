//! Segments that are refused, each with one defect.

use super::builder::{Ph, R, RW, RWX, load};
use super::refused::{data_refused, pie_refused, push, refused};
use crate::elf::Refusal;
use orbital_abi::layout::{PAGE_SIZE, USER_END, USER_START};

#[test]
fn a_segment_whose_bytes_are_not_there() {
    for p_offset in [0x2e01, 0x3000, u64::MAX - 0x100, u64::MAX] {
        data_refused(Refusal::SegmentOutsideFile, |ph| ph.p_offset = p_offset);
    }
    data_refused(Refusal::FileLargerThanMemory, |ph| ph.p_memsz = ph.p_filesz - 1);
    data_refused(Refusal::FileLargerThanMemory, |ph| ph.p_memsz = 0);
    data_refused(Refusal::FileLargerThanMemory, |ph| ph.p_filesz = u64::MAX);
    data_refused(Refusal::SegmentOutsideFile, |ph| (ph.p_filesz, ph.p_memsz) = (1 << 40, 1 << 41));
}

#[test]
fn a_segment_outside_user_memory() {
    for p_vaddr in [
        0x100,
        USER_START - PAGE_SIZE + 0x100,
        USER_END - PAGE_SIZE + 0x100,
        USER_END + 0x100,
        0x8000_0000_0100,
        0xffff_8000_0000_0100,
        0xffff_ffff_8000_0100,
        u64::MAX - 0xeff,
    ] {
        data_refused(Refusal::OutsideUserMemory, |ph| ph.p_vaddr = p_vaddr);
    }
    for p_memsz in [USER_END - 0x40_2100 + 1, USER_END, 1 << 63, u64::MAX - 0x40_2100, u64::MAX] {
        data_refused(Refusal::OutsideUserMemory, |ph| ph.p_memsz = p_memsz);
    }
    pie_refused(Refusal::OutsideUserMemory, |file| file.headers[0].p_vaddr = u64::MAX - 0xfff);
}

#[test]
fn a_segment_that_is_misaligned() {
    for p_vaddr in [0x40_2101, 0x40_20ff, 0x40_2000, 0x40_3000] {
        data_refused(Refusal::Misaligned, |ph| ph.p_vaddr = p_vaddr);
    }
    data_refused(Refusal::Misaligned, |ph| ph.p_offset += 8);
    data_refused(Refusal::Misaligned, |ph| ph.p_align = 0x20_0000_0000);
    for p_align in [3, 0x1001, u64::MAX] {
        data_refused(Refusal::BadAlignment, |ph| ph.p_align = p_align);
    }
    pie_refused(Refusal::BadAlignment, |file| file.headers[0].p_align = 0x80_0000);
}

#[test]
fn a_segment_with_impossible_rights() {
    for p_flags in [0, 1, 2, 3] {
        data_refused(Refusal::NotReadable, |ph| ph.p_flags = p_flags);
    }
    data_refused(Refusal::WritableAndExecutable, |ph| ph.p_flags = RWX);
    data_refused(Refusal::WritableAndExecutable, |ph| ph.p_flags = RWX | 0xfff0_0000);
}

#[test]
fn segments_that_share_a_page() {
    for header in [
        load(R, 0x1500, 0x40_1500, 0x10),
        load(R, 0x1000, 0x40_1000, 0x1000),
        load(R, 0x2000, 0x40_2000, 1),
        load(RW, 0x100, 0x40_4100, 1),
        Ph { p_memsz: 0x10_0000, ..load(R, 0, 0x3f_f000, 1) },
    ] {
        refused(Refusal::Overlap, |file| push(file, header));
        refused(Refusal::Overlap, |file| {
            file.headers.insert(0, header);
            file.e_phnum += 1;
        });
    }
}
