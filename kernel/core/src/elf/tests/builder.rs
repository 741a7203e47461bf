//! Makes ELF files whose every field a test can set.

use std::vec;
use std::vec::Vec;

pub(super) const R: u32 = 4;
pub(super) const RW: u32 = 6;
pub(super) const RX: u32 = 5;
pub(super) const RWX: u32 = 7;

/// A program header, by the names of the gABI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ph {
    pub(super) p_type: u32,
    pub(super) p_flags: u32,
    pub(super) p_offset: u64,
    pub(super) p_vaddr: u64,
    pub(super) p_filesz: u64,
    pub(super) p_memsz: u64,
    pub(super) p_align: u64,
}

/// A segment of `size` bytes at `vaddr`, from the same offset modulo a page.
pub(super) const fn load(p_flags: u32, p_offset: u64, p_vaddr: u64, size: u64) -> Ph {
    Ph { p_type: 1, p_flags, p_offset, p_vaddr, p_filesz: size, p_memsz: size, p_align: 0x1000 }
}

/// A header of another type over a part of the file.
pub(super) const fn part(p_type: u32, p_offset: u64, p_vaddr: u64, size: u64) -> Ph {
    Ph { p_type, p_flags: R, p_offset, p_vaddr, p_filesz: size, p_memsz: size, p_align: 8 }
}

/// A whole file: the headers, then `body` at the offsets it names.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) ident: [u8; 16],
    pub(super) e_type: u16,
    pub(super) e_machine: u16,
    pub(super) e_version: u32,
    pub(super) e_entry: u64,
    pub(super) e_phoff: u64,
    pub(super) e_ehsize: u16,
    pub(super) e_phentsize: u16,
    pub(super) e_phnum: u16,
    pub(super) headers: Vec<Ph>,
    pub(super) body: Vec<(u64, Vec<u8>)>,
    pub(super) size: usize,
}

impl File {
    /// A valid `ET_EXEC` with code, constants, data with BSS, and nothing else.
    pub(super) fn fixed() -> Self {
        let mut data = load(RW, 0x2100, 0x40_2100, 0x200);
        data.p_memsz = 0x2000;
        Self::new(
            2,
            0x40_1010,
            vec![load(R, 0, 0x40_0000, 0x400), load(RX, 0x1000, 0x40_1000, 0x500), data],
        )
    }

    /// A valid static-PIE with two relocations in its data.
    pub(super) fn relocatable() -> Self {
        let mut file = Self::new(
            3,
            0x1010,
            vec![
                load(R, 0, 0, 0x800),
                load(RX, 0x1000, 0x1000, 0x500),
                load(RW, 0x2000, 0x2000, 0x300),
                part(2, 0x2200, 0x2200, 0x40),
            ],
        );
        file.dynamic(&[(7, 0x600), (8, 48), (9, 24), (0, 0)]);
        file.relocations(&[(0x2000, 8, 0x1010), (0x2008, 8, 0x2100)]);
        file
    }

    pub(super) fn new(e_type: u16, e_entry: u64, headers: Vec<Ph>) -> Self {
        Self {
            ident: *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            e_type,
            e_machine: 62,
            e_version: 1,
            e_entry,
            e_phoff: 64,
            e_ehsize: 64,
            e_phentsize: 56,
            e_phnum: u16::try_from(headers.len()).unwrap(),
            headers,
            body: Vec::new(),
            size: 0x3000,
        }
    }

    /// Puts a dynamic section at 0x2200.
    pub(super) fn dynamic(&mut self, entries: &[(u64, u64)]) {
        let bytes = entries.iter().flat_map(|(tag, value)| [*tag, *value]);
        self.put(0x2200, bytes);
    }

    /// Puts a table of relocations at 0x600.
    pub(super) fn relocations(&mut self, entries: &[(u64, u64, u64)]) {
        let words = entries.iter().flat_map(|(offset, info, addend)| [*offset, *info, *addend]);
        self.put(0x600, words);
    }

    pub(super) fn put(&mut self, offset: u64, words: impl Iterator<Item = u64>) {
        self.body.push((offset, words.flat_map(u64::to_le_bytes).collect()));
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..=250).cycle().take(self.size).collect();
        let mut header = self.ident.to_vec();
        header.extend(self.e_type.to_le_bytes());
        header.extend(self.e_machine.to_le_bytes());
        header.extend(self.e_version.to_le_bytes());
        header.extend(self.e_entry.to_le_bytes());
        header.extend(self.e_phoff.to_le_bytes());
        header.extend([0; 12]);
        header.extend(self.e_ehsize.to_le_bytes());
        header.extend(self.e_phentsize.to_le_bytes());
        header.extend(self.e_phnum.to_le_bytes());
        header.extend([0; 6]);
        for ph in &self.headers {
            header.extend(ph.p_type.to_le_bytes());
            header.extend(ph.p_flags.to_le_bytes());
            // The physical address is a lie in all of them: nothing may depend on it.
            for word in [ph.p_offset, ph.p_vaddr, u64::MAX, ph.p_filesz, ph.p_memsz, ph.p_align] {
                header.extend(word.to_le_bytes());
            }
        }
        bytes[..header.len()].copy_from_slice(&header);
        for (offset, part) in &self.body {
            let start = usize::try_from(*offset).unwrap();
            bytes[start..start + part.len()].copy_from_slice(part);
        }
        bytes
    }
}
