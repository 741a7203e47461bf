//! Files that load, and what is planned for them.

use super::builder::{File, R, RW, RX, load, part};
use crate::elf::{HeaderTable, LoadPlan, Rights, plan};
use orbital_abi::layout::{IMAGE_BASE, PAGE_SIZE, STACK_SIZE, USER_END, USER_START};
use std::vec::Vec;
use xmas_elf::ElfFile;
use xmas_elf::program::Type;

/// What must hold for every plan, whatever the file.
pub(super) fn assert_sound(plan: &LoadPlan<'_>) {
    let segments: Vec<_> = plan.segments().collect();
    let stack = plan.stack();
    let mut taken: Vec<_> = segments.iter().map(|s| (s.pages_start(), s.pages_end())).collect();
    for segment in &segments {
        assert!(segment.vaddr >= USER_START && segment.vaddr + segment.memsz <= USER_END);
        assert!(segment.file.len() as u64 <= segment.memsz);
        assert!(!(segment.rights.write && segment.rights.execute));
        assert!(segment.pages_end() <= plan.image_end());
    }
    assert!(segments.iter().any(|s| s.rights.execute && s.file_at(plan.entry(), 1).is_some()));
    for (target, _) in plan.relocations() {
        assert!(segments.iter().any(|s| s.contains(target, 8)));
    }
    assert_eq!(stack.top - stack.bottom, STACK_SIZE);
    assert!(stack.bottom.is_multiple_of(PAGE_SIZE) && stack.top <= USER_END);
    taken.push((stack.bottom - PAGE_SIZE, stack.top + PAGE_SIZE));
    if let Some(block) = plan.tls_block() {
        let end = block.start + block.pages * PAGE_SIZE;
        let tls = plan.tls().unwrap();
        assert!(block.start <= block.image_address);
        assert!(block.image_address + tls.memsz <= block.fs_base && block.fs_base + 64 <= end);
        assert!(block.fs_base.is_multiple_of(tls.align) && block.fs_base.is_multiple_of(16));
        taken.push((block.start, end));
    }
    taken.sort_unstable();
    assert!(taken.windows(2).all(|pair| pair[0].1 <= pair[1].0), "overlap in {taken:x?}");
}

#[test]
fn a_fixed_executable_is_planned_where_it_says() {
    let bytes = File::fixed().build();
    let plan = plan(&bytes).unwrap();
    assert_sound(&plan);
    let segments: Vec<_> = plan.segments().collect();
    assert_eq!(segments.len(), 3);
    assert_eq!(segments[0].rights, Rights { write: false, execute: false });
    assert_eq!(segments[1].rights, Rights { write: false, execute: true });
    assert_eq!(segments[2].rights, Rights { write: true, execute: false });
    assert_eq!((segments[2].vaddr, segments[2].memsz), (0x40_2100, 0x2000));
    assert_eq!(segments[2].file, &bytes[0x2100..0x2300]);
    assert_eq!(plan.entry(), 0x40_1010);
    assert_eq!((plan.image_end(), plan.pages()), (0x40_5000, 5));
    assert_eq!(plan.header_table(), HeaderTable { vaddr: Some(0x40_0040), count: 3 });
    assert_eq!((plan.relocations().count(), plan.tls()), (0, None));
}

#[test]
fn a_static_pie_is_moved_to_the_image_base_and_relocated() {
    let bytes = File::relocatable().build();
    let plan = plan(&bytes).unwrap();
    assert_sound(&plan);
    assert_eq!(plan.entry(), IMAGE_BASE + 0x1010);
    assert_eq!(plan.segments().next().unwrap().vaddr, IMAGE_BASE);
    let relocations: Vec<_> = plan.relocations().collect();
    assert_eq!(
        relocations,
        [(IMAGE_BASE + 0x2000, IMAGE_BASE + 0x1010), (IMAGE_BASE + 0x2008, IMAGE_BASE + 0x2100)]
    );
}

#[test]
fn a_static_pie_without_relocations_loads() {
    let mut file = File::relocatable();
    file.dynamic(&[(0, 0)]);
    assert_eq!(plan(&file.build()).unwrap().relocations().count(), 0);
    file.headers.pop();
    file.e_phnum = 3;
    assert_eq!(plan(&file.build()).unwrap().relocations().count(), 0);
}

#[test]
fn the_value_of_a_relocation_wraps() {
    let mut file = File::relocatable();
    file.relocations(&[(0x2000, 8, u64::MAX), (0x22f8, 8, 0)]);
    let bytes = file.build();
    let values: Vec<_> = plan(&bytes).unwrap().relocations().map(|(_, value)| value).collect();
    assert_eq!(values, [IMAGE_BASE - 1, IMAGE_BASE]);
}

#[test]
fn headers_that_do_not_concern_loading_are_ignored() {
    let mut file = File::fixed();
    let stack = |p_flags| super::builder::Ph { p_flags, ..part(0x6474_e551, 0, 0, 0) };
    file.headers.extend([
        stack(RX | RW),
        part(4, u64::MAX, u64::MAX, u64::MAX),
        part(0x7000_0000, 1, 2, 3),
        part(7, 0, 0, 0),
        load(0, u64::MAX - 5, 3, 0),
    ]);
    // The last one is a segment without bytes, which takes no page whatever else it says.
    file.headers[7].p_offset = u64::MAX;
    file.e_phnum = 8;
    let bytes = file.build();
    assert_sound(&plan(&bytes).unwrap());
    assert_eq!(plan(&bytes).unwrap().segments().count(), 3);
}

#[test]
fn segments_may_stand_in_any_order_and_touch() {
    let mut file = File::fixed();
    file.headers.reverse();
    assert_sound(&plan(&file.build()).unwrap());
}

#[test]
fn sixty_four_headers_are_accepted() {
    let mut file = File::fixed();
    file.headers = (0..64).map(|i| load(R, 0x1000, 0x40_0000 + i * 0x1000, 0x1000)).collect();
    (file.headers[9].p_flags, file.e_entry, file.e_phnum) = (RX, 0x40_9fff, 64);
    assert_sound(&plan(&file.build()).unwrap());
}

#[test]
fn a_program_larger_than_the_limit_is_refused_by_size() {
    let bytes = File::fixed().build();
    assert!(plan(&bytes).unwrap().check_size(5).is_ok());
    let refusal = plan(&bytes).unwrap().check_size(4).unwrap_err();
    assert_eq!(std::format!("{refusal}"), "needs 5 pages, limit 4");
}

#[test]
fn the_plan_agrees_with_xmas_elf() {
    for (file, bias) in [(File::fixed(), 0), (File::relocatable(), IMAGE_BASE)] {
        let bytes = file.build();
        let other = ElfFile::new(&bytes).unwrap();
        let ours = plan(&bytes).unwrap();
        assert_eq!(ours.entry(), other.header.pt2.entry_point() + bias);
        let theirs = other.program_iter().filter(|ph| ph.get_type() == Ok(Type::Load));
        for (ours, theirs) in ours.segments().zip(theirs) {
            assert_eq!(ours.vaddr, theirs.virtual_addr() + bias);
            assert_eq!(ours.memsz, theirs.mem_size());
            assert_eq!(ours.file.len() as u64, theirs.file_size());
            assert_eq!(ours.rights.write, theirs.flags().is_write());
            assert_eq!(ours.rights.execute, theirs.flags().is_execute());
        }
    }
}
