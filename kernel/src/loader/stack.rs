//! The stack of a new program, as the System V psABI for x86-64 draws it.

use orbital_abi::layout::PAGE_SIZE;
use orbital_core::elf::HeaderTable;

use super::{Start, write};
use crate::memory::space::{AddressSpace, SpaceError};

/// Tags of the auxiliary vector (System V psABI for x86-64, 3.4.3).
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_ENTRY: u64 = 9;

/// Bytes in a program header, as `AT_PHENT` says.
const PROGRAM_HEADER_SIZE: u64 = 56;

/// The stack pointer of a new program is a multiple of this.
const STACK_ALIGNMENT: u64 = 16;

/// Bytes in a word of the stack.
const WORD: u64 = 8;

/// Writes what the psABI (3.4.1) puts on the stack of a new program; returns its stack pointer.
///
/// ```text
///  top │ the arguments
///      │ up to 8 bytes of padding
///      │ auxiliary vector: pairs, the last is AT_NULL
///      │ 0                                envp is empty
///      │ argv[0] .. argv[argc - 1], 0
///   sp │ argc
/// ```
pub(super) fn fill(
    space: &mut AddressSpace,
    start: &Start,
    arguments: &[u8],
) -> Result<u64, SpaceError> {
    let strings = start.stack_top - arguments.len() as u64;
    let argc = arguments.iter().filter(|byte| **byte == 0).count() as u64;
    let auxiliary = auxiliary_vector(start);
    // argc, the arguments, and the two zeros that end argv and envp.
    let size = (argc + 3) * WORD + size_of_val(&auxiliary) as u64;
    let stack_pointer = (strings - size) & !(STACK_ALIGNMENT - 1);

    write(space, strings, arguments)?;
    let mut words = space.words_from(stack_pointer)?;
    words.push(argc)?;
    let mut argument = strings;
    for (byte, address) in arguments.iter().zip(strings..) {
        if *byte == 0 {
            words.push(argument)?;
            argument = address + 1;
        }
    }
    for word in [0, 0].iter().chain(auxiliary.as_flattened()) {
        words.push(*word)?;
    }
    Ok(stack_pointer)
}

/// Pairs of a tag and a value; the last is AT_NULL.
fn auxiliary_vector(start: &Start) -> [[u64; 2]; 6] {
    let HeaderTable { vaddr, count } = start.headers;
    [
        [AT_PHDR, vaddr.unwrap_or(0)],
        [AT_PHENT, PROGRAM_HEADER_SIZE],
        [AT_PHNUM, vaddr.map_or(0, |_| count)],
        [AT_PAGESZ, PAGE_SIZE],
        [AT_ENTRY, start.entry],
        [AT_NULL, 0],
    ]
}
