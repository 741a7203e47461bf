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

/// The physical address of `address` in the page tables at `root`, which are read by `read`, one
/// entry at a physical address each time; `None` if nothing is mapped there.
///
/// # Errors
/// That of `read`.
pub fn translate<E>(
    root: u64,
    address: u64,
    mut read: impl FnMut(u64) -> Result<Option<u64>, E>,
) -> Result<Option<u64>, E> {
    let mut table = root & ADDRESS;
    for (shift, may_be_large) in [(39, false), (30, true), (21, true), (12, false)] {
        let index = (address >> shift) % ENTRIES;
        let Some(entry) = read(table + 8 * index)?.filter(|entry| entry & PRESENT != 0) else {
            return Ok(None);
        };
        table = entry & ADDRESS;
        if may_be_large && entry & LARGE != 0 {
            let offset = (1 << shift) - 1;
            return Ok(Some((table & !offset) | (address & offset)));
        }
    }
    Ok(Some(table | (address % PAGE)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::translate;

    const ROOT: u64 = 0x1000;
    const WRITE: u64 = 0b11;

    /// Tables for address `0o001_002_003_004 << 12`, with that entry at the level given by `depth`.
    fn lookup(entry: u64, depth: usize, address: u64) -> Option<u64> {
        let path = [0x1000 + 8, 0x2000 + 16, 0x3000 + 24, 0x4000 + 32];
        let mut tables: HashMap<u64, u64> = HashMap::new();
        for (level, at) in path.into_iter().enumerate().take(depth + 1) {
            let next = 0x2000 + 0x1000 * level as u64;
            tables.insert(at, if level == depth { entry } else { next | WRITE });
        }
        let read = |at| Ok::<_, Infallible>(tables.get(&at).copied());
        let Ok(found) = translate(ROOT | 0xfff, address, read);
        found
    }

    const ADDRESS: u64 = 0o001_002_003_004 << 12;

    #[test]
    fn a_small_page() {
        let entry = 0x8000_0000_0007_5000 | WRITE;
        assert_eq!(lookup(entry, 3, ADDRESS + 0xabc), Some(0x7_5abc), "NX is no address bit");
    }

    #[test]
    fn large_pages() {
        let large = WRITE | 1 << 7;
        assert_eq!(lookup(0x4020_0000 | large, 2, ADDRESS + 0xabc), Some(0x4020_4abc));
        let offset = 0o003_004 << 12;
        assert_eq!(lookup(0x4000_0000 | large, 1, ADDRESS), Some(0x4000_0000 + offset));
    }

    #[test]
    fn bit_12_of_a_large_page_is_its_memory_type_and_no_address() {
        let large = WRITE | 1 << 7 | 1 << 12;
        assert_eq!(lookup(0x4020_0000 | large, 2, ADDRESS), Some(0x4020_4000));
    }

    #[test]
    fn what_is_not_present_at_any_level_has_no_address() {
        for depth in 0..4 {
            assert_eq!(lookup(0x7_5000, depth, ADDRESS), None, "depth {depth}");
        }
    }

    #[test]
    fn tables_that_cannot_be_read_have_no_address() {
        assert_eq!(lookup(0x7_5000 | WRITE, 3, 0), None);
    }
}
