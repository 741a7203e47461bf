//! Trees of page tables in ordinary memory: the window shows a block of the host's.

use std::collections::BTreeMap;
use std::vec;
use std::vec::Vec;

use proptest::prelude::{any, prop_assert_eq, proptest};
use x86_64::PhysAddr;

use super::{
    ENTRIES, LEAF_TABLE_SPAN, LOWER_HALF_END, Mapping, OutOfTables, PAGE_SIZE, PageTables,
    PhysFrame, Reclaim, Rights, Slot, TableSource, table,
};
use crate::mmio::PhysicalWindow;

const CODE: Rights = Rights { write: false, execute: true, user: true };
const DATA: Rights = Rights { write: true, execute: false, user: true };
const KERNEL_DATA: Rights = Rights { write: true, execute: false, user: false };

/// A page in the middle of nowhere.
const PAGE: u64 = 0x40_0000;
/// A page that shares no table but the root with [`PAGE`].
const FAR_PAGE: u64 = 0x7fff_ffff_e000;
/// A page of the kernel's half.
const KERNEL_PAGE: u64 = 0xffff_a000_0000_3000;

/// Physical memory for tables, and the books of it.
struct Machine {
    /// Aligned like frames; frame 0 is the first of these.
    memory: Vec<FrameBytes>,
    free: Vec<PhysFrame>,
    /// What `clear` handed back.
    pages: BTreeMap<u64, Slot>,
}

#[derive(Clone)]
#[repr(align(4096))]
struct FrameBytes([u64; ENTRIES]);

impl Machine {
    fn new(frames: u64) -> Self {
        let memory = vec![FrameBytes([0; ENTRIES]); frames as usize];
        Self { memory, free: (0..frames).rev().map(frame).collect(), pages: BTreeMap::new() }
    }

    fn window(&mut self) -> PhysicalWindow {
        PhysicalWindow::new(self.memory.as_mut_ptr().expose_provenance() as u64)
    }

    fn tree(&mut self) -> PageTables {
        let root = self.free.pop().unwrap();
        // SAFETY: the memory outlives the tree in each test, and `root` is an empty table.
        unsafe { PageTables::new(root, self.window()) }
    }
}

impl TableSource for Machine {
    fn table(&mut self) -> Option<PhysFrame> {
        self.free.pop()
    }
}

impl Reclaim for Machine {
    fn page(&mut self, address: u64, slot: Slot) {
        assert_ne!(slot, Slot::Empty);
        assert_eq!(self.pages.insert(address, slot), None, "handed back twice");
    }

    fn table(&mut self, _address: u64, frame: PhysFrame) {
        // SAFETY: the tree no longer refers to it.
        let entries = unsafe { table(self.window(), frame) };
        assert!(entries.iter().all(|entry| entry.is_unused()), "a table comes back zeroed");
        assert!(!self.free.contains(&frame), "handed back twice");
        self.free.push(frame);
    }
}

fn frame(number: u64) -> PhysFrame {
    PhysFrame::containing_address(PhysAddr::new(number * PAGE_SIZE))
}

fn mapped(number: u64, rights: Rights) -> Slot {
    Slot::Mapped(Mapping { frame: frame(number), rights, owned: true })
}

fn put(
    tree: &mut PageTables,
    machine: &mut Machine,
    page: u64,
    slot: Slot,
) -> Result<(), OutOfTables> {
    tree.update(page..page + PAGE_SIZE, machine, |_, _, _| Ok(slot))
}

#[test]
fn every_kind_of_slot_is_read_back_as_it_was_written() {
    let mut machine = Machine::new(16);
    let mut tree = machine.tree();
    let borrowed = Slot::Mapped(Mapping { frame: frame(9), rights: CODE, owned: false });
    let slots = [
        mapped(0, CODE),
        mapped(0xf_ffff_ffff, DATA),
        borrowed,
        Slot::Demand(DATA),
        Slot::Demand(CODE),
        Slot::Device(frame(0xfee00)),
        mapped(7, KERNEL_DATA),
        Slot::Empty,
    ];
    for base in [PAGE, FAR_PAGE - 16 * PAGE_SIZE, KERNEL_PAGE] {
        let pages = base..base + slots.len() as u64 * PAGE_SIZE;
        let slot_at = |page| slots[((page - base) / PAGE_SIZE) as usize];
        tree.update(pages.clone(), &mut machine, |_, page, was| {
            assert_eq!(was, Slot::Empty);
            Ok::<_, OutOfTables>(slot_at(page))
        })
        .unwrap();
        for page in pages.step_by(PAGE_SIZE as usize) {
            assert_eq!(tree.lookup(page), slot_at(page));
            assert_eq!(tree.lookup(page + 0xfff), slot_at(page), "any byte of the page");
        }
    }
}

#[test]
fn an_empty_tree_has_nothing_anywhere() {
    let mut machine = Machine::new(1);
    let tree = machine.tree();
    for page in [0, PAGE, FAR_PAGE, KERNEL_PAGE, !0xfff] {
        assert_eq!(tree.lookup(page), Slot::Empty);
    }
}

#[test]
fn only_tables_of_the_lower_half_are_open_to_ring_3() {
    const USER: u64 = 1 << 2;
    let mut machine = Machine::new(16);
    let mut tree = machine.tree();
    put(&mut tree, &mut machine, PAGE, mapped(1, DATA)).unwrap();
    put(&mut tree, &mut machine, KERNEL_PAGE, mapped(2, KERNEL_DATA)).unwrap();
    let root = &machine.memory[0].0;
    assert_eq!(root[0] & USER, USER);
    assert_eq!(root[ENTRIES / 2..].iter().filter(|entry| **entry & USER != 0).count(), 0);
}

#[test]
fn a_page_table_is_shared_by_the_pages_of_2_mib() {
    let mut machine = Machine::new(16);
    let mut tree = machine.tree();
    put(&mut tree, &mut machine, PAGE, mapped(1, DATA)).unwrap();
    assert_eq!(machine.free.len(), 12, "root and one table for each level");
    put(&mut tree, &mut machine, PAGE + LEAF_TABLE_SPAN - PAGE_SIZE, mapped(2, DATA)).unwrap();
    assert_eq!(machine.free.len(), 12);
    put(&mut tree, &mut machine, PAGE + LEAF_TABLE_SPAN, mapped(3, DATA)).unwrap();
    assert_eq!(machine.free.len(), 11);
}

#[test]
fn clearing_hands_back_every_page_and_every_table_once() {
    let mut machine = Machine::new(64);
    let mut tree = machine.tree();
    let free = machine.free.len();
    let pages = [
        USER_START,
        PAGE,
        PAGE + PAGE_SIZE,
        PAGE + 63 * PAGE_SIZE,
        PAGE + LEAF_TABLE_SPAN,
        0x1000_0000_0000,
        FAR_PAGE,
    ];
    for (number, page) in (100..).zip(pages) {
        put(&mut tree, &mut machine, page, mapped(number, DATA)).unwrap();
    }
    put(&mut tree, &mut machine, KERNEL_PAGE, mapped(1, KERNEL_DATA)).unwrap();
    let kernel_tables = 3;

    tree.clear(0..LOWER_HALF_END, &mut machine);
    let expected = (100..).zip(pages).map(|(number, page)| (page, mapped(number, DATA)));
    assert_eq!(machine.pages, expected.collect());
    assert_eq!(machine.free.len(), free - kernel_tables);
    assert_eq!(tree.lookup(KERNEL_PAGE), mapped(1, KERNEL_DATA));
    assert!(machine.memory[0].0[..ENTRIES / 2].iter().all(|entry| *entry == 0));
}

const USER_START: u64 = 0x1_0000;

#[test]
fn clearing_a_range_leaves_its_neighbours() {
    let mut machine = Machine::new(16);
    let mut tree = machine.tree();
    let start = PAGE + LEAF_TABLE_SPAN - 2 * PAGE_SIZE;
    let pages = start..start + 4 * PAGE_SIZE;
    tree.update(pages, &mut machine, |_, _, _| Ok::<_, OutOfTables>(Slot::Demand(DATA))).unwrap();
    let free = machine.free.len();
    tree.clear(start + PAGE_SIZE..start + 3 * PAGE_SIZE, &mut machine);
    assert_eq!(machine.pages.len(), 2);
    assert_eq!(machine.free.len(), free, "both tables still hold a page");
    let left: Vec<_> =
        (0..4).filter(|n| tree.lookup(start + n * PAGE_SIZE) != Slot::Empty).collect();
    assert_eq!(left, [0, 3]);
    tree.clear(start..start + PAGE_SIZE, &mut machine);
    assert_eq!(machine.free.len(), free + 1, "the first table is empty now");
}

#[test]
fn a_tree_that_cannot_grow_keeps_what_it_has() {
    for tables in 0..5 {
        let mut machine = Machine::new(1 + tables);
        let mut tree = machine.tree();
        let start = PAGE + LEAF_TABLE_SPAN - PAGE_SIZE;
        let pages = start..start + 2 * PAGE_SIZE;
        let grown = tree.update(pages.clone(), &mut machine, |_, _, _| Ok(Slot::Demand(DATA)));
        assert_eq!(grown, if tables < 4 { Err(OutOfTables) } else { Ok(()) });
        assert_eq!(tree.lookup(start) != Slot::Empty, tables >= 3);
        tree.clear(pages, &mut machine);
        assert_eq!(machine.free.len() as u64, tables, "nothing is lost");
    }
}

#[test]
fn shared_root_entries_show_the_same_pages_and_go_without_trace() {
    let mut machine = Machine::new(16);
    let mut kernel = machine.tree();
    put(&mut kernel, &mut machine, KERNEL_PAGE, mapped(1, KERNEL_DATA)).unwrap();
    let mut process = machine.tree();
    let shared: Vec<_> = kernel.upper_half().collect();
    assert_eq!(shared.len(), 1);
    for entry in &shared {
        // SAFETY: the kernel's tables live as long as the process's.
        unsafe { process.share(*entry) };
    }
    assert_eq!(process.lookup(KERNEL_PAGE), mapped(1, KERNEL_DATA));
    put(&mut kernel, &mut machine, KERNEL_PAGE + PAGE_SIZE, mapped(2, KERNEL_DATA)).unwrap();
    assert_eq!(process.lookup(KERNEL_PAGE + PAGE_SIZE), mapped(2, KERNEL_DATA));
    for entry in shared {
        process.unshare(entry);
    }
    let root = process.root().start_address().as_u64() / PAGE_SIZE;
    assert!(machine.memory[root as usize].0.iter().all(|entry| *entry == 0));
}

#[test]
fn a_large_page_is_looked_up_piece_by_piece() {
    const HUGE: u64 = 1 << 7 | 1 << 1 | 1;
    let mut machine = Machine::new(16);
    let mut tree = machine.tree();
    put(&mut tree, &mut machine, KERNEL_PAGE, Slot::Empty).unwrap();
    // Root, then one table for each level, in the order they were taken: frame 2 maps 2 MiB pages.
    machine.memory[2].0[1] = 0x4000_0000 | HUGE;
    let Slot::Mapped(piece) = tree.lookup(0xffff_a000_0020_5678) else { panic!("not there") };
    assert_eq!(piece.frame, frame(0x0004_0005));
    assert!(piece.rights.write && piece.rights.execute && !piece.rights.user && !piece.owned);
}

proptest! {
    #[test]
    fn a_tree_agrees_with_a_map_and_loses_no_table(
        steps in proptest::collection::vec((0..6_u64, 0..1_200_u64, 1..40_u64, any::<bool>()), 0..60)
    ) {
        let mut machine = Machine::new(64);
        let mut tree = machine.tree();
        let free = machine.free.len();
        let mut model = BTreeMap::new();
        for (region, first, count, fill) in steps {
            // Regions meet in no table, in one, or in all but the last.
            let base = [0x1_0000, PAGE, 0x4000_0000, 0x80_0000_0000, 0x1000_0000_0000, 0x7fff_ff00_0000]
                [region as usize];
            let start = base + first * PAGE_SIZE;
            let pages = start..start + count * PAGE_SIZE;
            if fill {
                let slot = Slot::Demand(DATA);
                tree.update(pages.clone(), &mut machine, |_, _, _| Ok::<_, OutOfTables>(slot))
                    .unwrap();
                model.extend(pages.step_by(PAGE_SIZE as usize).map(|page| (page, slot)));
            } else {
                machine.pages.clear();
                tree.clear(pages.clone(), &mut machine);
                let removed: BTreeMap<_, _> = model.extract_if(pages, |_, _| true).collect();
                prop_assert_eq!(&machine.pages, &removed);
            }
        }
        for (page, slot) in &model {
            prop_assert_eq!(tree.lookup(*page), *slot);
        }
        machine.pages.clear();
        tree.clear(0..LOWER_HALF_END, &mut machine);
        prop_assert_eq!(machine.pages, model);
        prop_assert_eq!(machine.free.len(), free);
    }
}
