//! Address translation by the page tables of a process (SDM volume 3, section 4.5).

use std::ops::Range;

/// Bits of an entry that hold a physical address.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const PRESENT: u64 = 1;
/// In a table of level 3 or 2: the entry maps a page of 1 GiB or 2 MiB.
const LARGE: u64 = 1 << 7;
const ENTRIES: u64 = 512;

/// Bytes in the smallest page.
pub const PAGE: u64 = 4096;
/// The half of the address space that differs from process to process.
pub const LOWER_HALF: Range<u64> = 0..1 << 47;

/// What a process finds at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The byte at this physical address.
    Memory(u64),
    /// A zero: nobody has touched the page, and who does gets one full of them.
    Zero,
    /// A page fault.
    Nothing,
}

/// What is at `address` in the page tables at `root`, which are read by `read`, one entry at a physical
/// address each time. An absent page with the bits of `promised` will appear when it is touched.
///
/// # Errors
/// That of `read`.
pub fn translate<E>(
    root: u64,
    address: u64,
    promised: u64,
    mut read: impl FnMut(u64) -> Result<Option<u64>, E>,
) -> Result<Place, E> {
    let mut table = root & ADDRESS;
    for (shift, may_be_large) in [(39, false), (30, true), (21, true), (12, false)] {
        let index = (address >> shift) % ENTRIES;
        let entry = read(table + 8 * index)?.unwrap_or(0);
        if entry & PRESENT == 0 {
            let zero = shift == 12 && entry & promised != 0;
            return Ok(if zero { Place::Zero } else { Place::Nothing });
        }
        table = entry & ADDRESS;
        if may_be_large && entry & LARGE != 0 {
            let offset = (1 << shift) - 1;
            return Ok(Place::Memory((table & !offset) | (address & offset)));
        }
    }
    Ok(Place::Memory(table | (address % PAGE)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::{Place, translate};

    const ROOT: u64 = 0x1000;
    const WRITE: u64 = 0b11;
    const PROMISED: u64 = 1 << 10;

    /// Tables for address `0o001_002_003_004 << 12`, with that entry at the level given by `depth`.
    fn lookup(entry: u64, depth: usize, address: u64) -> Place {
        let path = [0x1000 + 8, 0x2000 + 16, 0x3000 + 24, 0x4000 + 32];
        let mut tables: HashMap<u64, u64> = HashMap::new();
        for (level, at) in path.into_iter().enumerate().take(depth + 1) {
            let next = 0x2000 + 0x1000 * level as u64;
            tables.insert(at, if level == depth { entry } else { next | WRITE });
        }
        let read = |at| Ok::<_, Infallible>(tables.get(&at).copied());
        let Ok(found) = translate(ROOT | 0xfff, address, PROMISED, read);
        found
    }

    const ADDRESS: u64 = 0o001_002_003_004 << 12;

    #[test]
    fn a_small_page() {
        let entry = 0x8000_0000_0007_5000 | WRITE;
        let place = lookup(entry, 3, ADDRESS + 0xabc);
        assert_eq!(place, Place::Memory(0x7_5abc), "NX is no address bit");
    }

    #[test]
    fn large_pages() {
        let large = WRITE | 1 << 7;
        assert_eq!(lookup(0x4020_0000 | large, 2, ADDRESS + 0xabc), Place::Memory(0x4020_4abc));
        let offset = 0o003_004 << 12;
        assert_eq!(lookup(0x4000_0000 | large, 1, ADDRESS), Place::Memory(0x4000_0000 + offset));
    }

    #[test]
    fn bit_12_of_a_large_page_is_its_memory_type_and_no_address() {
        let large = WRITE | 1 << 7 | 1 << 12;
        assert_eq!(lookup(0x4020_0000 | large, 2, ADDRESS), Place::Memory(0x4020_4000));
    }

    #[test]
    fn what_is_not_present_at_any_level_has_no_address() {
        for depth in 0..4 {
            assert_eq!(lookup(0x7_5000, depth, ADDRESS), Place::Nothing, "depth {depth}");
        }
    }

    #[test]
    fn a_page_that_nobody_has_touched_is_full_of_zeros() {
        assert_eq!(lookup(PROMISED, 3, ADDRESS), Place::Zero);
        assert_eq!(lookup(PROMISED, 2, ADDRESS), Place::Nothing, "only a page can be promised");
    }

    #[test]
    fn tables_that_cannot_be_read_have_no_address() {
        assert_eq!(lookup(0x7_5000 | WRITE, 3, 0), Place::Nothing);
    }
}
