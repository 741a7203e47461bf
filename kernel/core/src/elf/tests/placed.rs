//! Where the stack and the thread-local block go.

use super::accepted::assert_sound;
use super::builder::{File, RW, RX, load, part};
use crate::elf::plan;
use orbital_abi::layout::{IMAGE_BASE, PAGE_SIZE, USER_END, USER_START};
use std::vec;

#[test]
fn the_stack_lies_above_a_guard_page_in_the_same_two_mebibytes() {
    let plan_bytes = File::fixed().build();
    let stack = plan(&plan_bytes).unwrap().stack();
    assert_eq!(stack.bottom, 0x40_6000);
    assert_eq!(stack.top >> 21, IMAGE_BASE >> 21);
}

#[test]
fn the_stack_goes_below_an_image_at_the_end_of_user_memory() {
    let last = USER_END - PAGE_SIZE;
    let file = File::new(2, last + 16, vec![load(RX, 0x1000, last, PAGE_SIZE)]);
    let bytes = file.build();
    let plan = plan(&bytes).unwrap();
    assert_sound(&plan);
    assert_eq!((plan.image_end(), plan.stack().bottom), (USER_END, USER_START + PAGE_SIZE));
}

#[test]
fn the_stack_goes_between_segments_when_both_ends_are_taken() {
    let last = USER_END - PAGE_SIZE;
    let file = File::new(
        2,
        last + 16,
        vec![load(RX, 0x1000, last, PAGE_SIZE), load(RW, 0, USER_START + PAGE_SIZE, 0x100)],
    );
    let bytes = file.build();
    assert_sound(&plan(&bytes).unwrap());
    assert_eq!(plan(&bytes).unwrap().stack().bottom, USER_START + 3 * PAGE_SIZE);
}

#[test]
fn the_thread_local_block_ends_at_the_thread_pointer() {
    let mut file = File::fixed();
    let mut tls = part(7, 0x2100, 0x40_2110, 0x30);
    (tls.p_memsz, tls.p_align) = (0x48, 0x20);
    file.headers.push(tls);
    file.e_phnum = 4;
    let bytes = file.build();
    let plan = plan(&bytes).unwrap();
    assert_sound(&plan);
    let block = plan.tls_block().unwrap();
    assert_eq!(block.image, &bytes[0x2100..0x2130]);
    // psABI: the block ends below the thread pointer, congruent to the template's address.
    assert_eq!(block.image_address % 0x20, 0x10);
    assert_eq!(block.fs_base - block.image_address, 0x50);
    assert_eq!((block.start, block.pages, plan.pages()), (0x40_6000, 1, 6));
    assert_eq!(plan.stack().bottom, 0x40_8000);
}

#[test]
fn a_thread_local_block_larger_than_a_page_gets_its_pages() {
    let mut file = File::fixed();
    let mut tls = part(7, 0x2100, 0x40_2100, 0x30);
    tls.p_memsz = 0x2fd0;
    file.headers.push(tls);
    file.e_phnum = 4;
    let bytes = file.build();
    assert_sound(&plan(&bytes).unwrap());
    assert_eq!(plan(&bytes).unwrap().tls_block().unwrap().pages, 4);
}
