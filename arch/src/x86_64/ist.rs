//! Stacks for the four exceptions that can strike where no stack can be trusted: #DB, NMI, #DF
//! and #MC (SDM vol. 3A, 6.14.5). Each has its own, with a guard page below.
//!
//! What must stay true: two of them never share a stack, or the second overwrites the live frame
//! of the first. The memory code unmaps [`guard_pages`]; until then an overflow is silent.

use core::cell::UnsafeCell;

use x86_64::VirtAddr;

use super::vector;

const PAGE_SIZE: usize = 4096;
/// Deep enough for a panic that formats numbers and walks a stack.
const STACK_SIZE: usize = 4 * PAGE_SIZE;

/// The vectors with a stack of their own; the position is the IST index minus 1.
const OWNERS: [u64; 4] = [vector::DEBUG, vector::NMI, vector::DOUBLE_FAULT, vector::MACHINE_CHECK];

#[repr(C, align(4096))]
struct Stack {
    guard: [u8; PAGE_SIZE],
    bytes: [u8; STACK_SIZE],
}

struct Stacks(UnsafeCell<[Stack; OWNERS.len()]>);

// SAFETY: only the CPU writes here, as a stack; Rust takes addresses and nothing else.
unsafe impl Sync for Stacks {}

static STACKS: Stacks = Stacks(UnsafeCell::new(
    [const { Stack { guard: [0; PAGE_SIZE], bytes: [0; STACK_SIZE] } }; OWNERS.len()],
));

/// The pages the memory code must unmap, one below each stack.
#[must_use]
pub fn guard_pages() -> [VirtAddr; OWNERS.len()] {
    core::array::from_fn(|i| VirtAddr::from_ptr(stack(i)))
}

/// The interrupt stack table of the TSS: where each stack starts, which is its upper end.
pub(super) fn table() -> [VirtAddr; 7] {
    let mut table = [VirtAddr::zero(); 7];
    for (i, top) in table.iter_mut().take(OWNERS.len()).enumerate() {
        *top = VirtAddr::from_ptr(stack(i).wrapping_add(1));
    }
    table
}

/// The IST index of a gate: 0 means the stack of the task, or the one in use.
pub(super) fn index_of(vector: u64) -> u64 {
    (1..).zip(OWNERS).find_map(|(index, owner)| (owner == vector).then_some(index)).unwrap_or(0)
}

fn stack(i: usize) -> *const Stack {
    STACKS.0.get().cast::<Stack>().wrapping_add(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stack_ends_where_the_next_guard_page_begins() {
        let (guards, tops) = (guard_pages(), table());
        for i in 0..OWNERS.len() {
            assert_eq!(tops[i] - guards[i], (PAGE_SIZE + STACK_SIZE) as u64);
            assert!(guards[i].is_aligned(PAGE_SIZE as u64));
        }
        assert!(guards.windows(2).zip(tops).all(|(pair, top)| pair[1] == top));
        assert!(tops[OWNERS.len()..].iter().all(|top| top.is_null()));
    }

    #[test]
    fn four_vectors_have_a_stack_of_their_own() {
        let with_stack = (0..256).filter(|&v| index_of(v) != 0);
        assert!(with_stack.eq([1, 2, 8, 18]));
        assert_eq!([1, 2, 8, 18].map(index_of), [1, 2, 3, 4]);
    }
}
