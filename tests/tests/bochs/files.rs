//! Programs of one page, whose last instruction is a call.

use std::io;
use std::path::PathBuf;
use std::{fs, iter};

/// First address above user memory, a page below the canonical hole.
pub(crate) const USER_END: u64 = 0x7fff_ffff_f000;
/// First address of the hole.
pub(crate) const CANONICAL_END: u64 = 1 << 47;

const PAGE: u16 = 4096;

/// `yield_now`, and nothing behind it.
const CALL: [u8; 7] = [0xb8, 12, 0, 0, 0, 0x0f, 0x05]; // mov eax, 12; syscall

/// Returns within ring 3 as if from an interrupt, then as if from a far call, and exits with 0.
const RETURNS: [u8; 39] = [
    0x48, 0x89, 0xe0, // mov rax, rsp
    0x8c, 0xd1, // mov ecx, ss
    0x51, 0x50, 0x9c, // push rcx; push rax; pushfq
    0x8c, 0xc9, // mov ecx, cs
    0x51, // push rcx
    0x48, 0x8d, 0x15, 3, 0, 0, 0, // lea rdx, [rip + 3]
    0x52, 0x48, 0xcf, // push rdx; iretq
    0x51, // push rcx
    0x48, 0x8d, 0x15, 3, 0, 0, 0, // lea rdx, [rip + 3]
    0x52, 0x48, 0xcb, // push rdx; retfq
    0x31, 0xff, 0x6a, 3, 0x58, 0x0f, 0x05, // xor edi, edi; push 3; pop rax; syscall
];

/// A program that calls at the very end of its only page, which ends at `end`.
pub(crate) fn calls_just_below(end: u64) -> io::Result<PathBuf> {
    ends_at(end, &CALL)
}

/// A program of far returns.
pub(crate) fn returns_far() -> io::Result<PathBuf> {
    ends_at(0x41_0000, &RETURNS)
}

/// An ELF file whose only page ends, with the code, at `end`.
fn ends_at(end: u64, code: &[u8]) -> io::Result<PathBuf> {
    let page = u64::from(PAGE);
    let (base, entry) = (end - page, end - code.len() as u64);
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let halves = |file: &mut Vec<u8>, words: &[u16]| {
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    let words = |file: &mut Vec<u8>, words: &[u64]| {
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    };
    // An executable for x86-64, version 1; where it starts; one program header, right behind.
    halves(&mut file, &[2, 62, 1, 0]);
    words(&mut file, &[entry, 64, 0]);
    halves(&mut file, &[0, 0, 64, 56, 1, 0, 0, 0]);
    // To be loaded; readable and executable; from where, to where, how much.
    halves(&mut file, &[1, 0, 5, 0]);
    words(&mut file, &[0, base, 0, page, page, page]);
    let padding = usize::from(PAGE) - code.len() - file.len();
    file.extend(iter::repeat_n(0, padding).chain(code.iter().copied()));

    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bochs");
    fs::create_dir_all(&directory)?;
    let path = directory.join(format!("{end:x}"));
    fs::write(&path, file)?;
    Ok(path)
}
