//! Makes small ELF programs whose every field a test can set, with real code in them.
//!
//! One page of file: headers, code, constants at [`TABLES`], data at [`DATA`]; the data is mapped
//! one page further up, as linkers do.

/// Program header types (gABI chapter 5).
pub(crate) const PT_LOAD: u32 = 1;
pub(crate) const PT_DYNAMIC: u32 = 2;
pub(crate) const PT_INTERP: u32 = 3;
pub(crate) const PT_TLS: u32 = 7;

/// Rights of a segment.
pub(crate) const R: u32 = 4;
pub(crate) const RW: u32 = 6;
pub(crate) const RX: u32 = 5;
pub(crate) const RWX: u32 = 7;

/// Where a program of fixed addresses lies.
pub(crate) const BASE: u64 = 0x40_0000;
/// Offsets in the file: code, relocations, dynamic section, data, and its end.
pub(crate) const CODE: u64 = 0x180;
pub(crate) const TABLES: u64 = 0x200;
pub(crate) const DYNAMIC: u64 = 0x240;
pub(crate) const DATA: u64 = 0x2c0;
pub(crate) const END: u64 = 0x300;
/// How far above its place in the file the data is mapped.
pub(crate) const PAGE: u64 = 0x1000;

/// What both programs exit with.
pub(crate) const CODE_OF_SUCCESS: u64 = 42;

/// A program header, by the names of the gABI.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) p_type: u32,
    pub(crate) p_flags: u32,
    pub(crate) p_offset: u64,
    pub(crate) p_vaddr: u64,
    pub(crate) p_filesz: u64,
    pub(crate) p_memsz: u64,
    pub(crate) p_align: u64,
}

/// A file: its header, its program headers, and what stands behind them.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) ident: [u8; 16],
    pub(crate) e_type: u16,
    pub(crate) e_machine: u16,
    pub(crate) e_version: u32,
    pub(crate) e_entry: u64,
    pub(crate) e_phoff: u64,
    pub(crate) e_ehsize: u16,
    pub(crate) e_phentsize: u16,
    pub(crate) e_phnum: u16,
    pub(crate) headers: Vec<Header>,
    parts: Vec<(u64, Vec<u8>)>,
    /// The file's length.
    pub(crate) length: u64,
}

impl Header {
    pub(crate) const fn new(p_type: u32, p_flags: u32, offset: u64, vaddr: u64, size: u64) -> Self {
        let p_align = if p_type == PT_LOAD { PAGE } else { 8 };
        Self {
            p_type,
            p_flags,
            p_offset: offset,
            p_vaddr: vaddr,
            p_filesz: size,
            p_memsz: size,
            p_align,
        }
    }
}

impl File {
    /// Exits with the sum of a word of its data and one of its zeroed memory.
    pub(crate) fn fixed() -> Self {
        let data = BASE + PAGE + DATA;
        let [value, zero] =
            [data, data + PAGE].map(|at| u32::try_from(at).unwrap_or(0).to_le_bytes());
        let code = [
            &[0x48, 0x8b, 0x3c, 0x25], // mov rdi, [value]
            &value[..],
            &[0x48, 0x03, 0x3c, 0x25], // add rdi, [zero]
            &zero[..],
            EXIT,
        ];
        let mut file = Self::new(2, BASE, &code.concat());
        file.put(DATA, &[CODE_OF_SUCCESS]);
        file
    }

    /// A static-PIE with thread-local storage: yields a few times, then exits with the sum of a
    /// thread-local word, `thread_local`, and what a relocated pointer leads to, which makes it
    /// 42.
    pub(crate) fn relocatable(thread_local: u64) -> Self {
        // The pointer is the second word of the data.
        let pointer = PAGE + DATA + 8;
        let next = CODE + LOOP.len() as u64 + 7;
        let to_pointer = u32::try_from(pointer - next).unwrap_or(0).to_le_bytes();
        let code = [
            LOOP,
            &[0x48, 0x8b, 0x05], // mov rax, [rip + pointer]
            &to_pointer,
            &[0x48, 0x03, 0x38], // add rdi, [rax]
            EXIT,
        ];
        let mut file = Self::new(3, 0, &code.concat());
        file.headers.push(Header::new(PT_DYNAMIC, R, DYNAMIC, DYNAMIC, 0x40));
        file.headers.push(Header::new(PT_TLS, R, DATA + 16, PAGE + DATA + 16, 8));
        file.e_phnum += 2;
        file.put(DATA, &[CODE_OF_SUCCESS - thread_local, 0, thread_local]);
        // DT_RELA, DT_RELASZ, DT_RELAENT; one R_X86_64_RELATIVE.
        file.put(DYNAMIC, &[7, TABLES, 8, 24, 9, 24, 0, 0]);
        file.put(TABLES, &[pointer, 8, PAGE + DATA]);
        file
    }

    fn new(e_type: u16, base: u64, code: &[u8]) -> Self {
        let mut data = Header::new(PT_LOAD, RW, DATA, base + PAGE + DATA, END - DATA);
        data.p_memsz = 2 * PAGE;
        Self {
            ident: *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
            e_type,
            e_machine: 62,
            e_version: 1,
            e_entry: base + CODE,
            e_phoff: 64,
            e_ehsize: 64,
            e_phentsize: 56,
            e_phnum: 2,
            headers: vec![Header::new(PT_LOAD, RX, 0, base, DATA), data],
            parts: vec![(CODE, code.to_owned())],
            length: END,
        }
    }

    pub(crate) fn put(&mut self, offset: u64, words: &[u64]) {
        self.parts.push((offset, words.iter().copied().flat_map(u64::to_le_bytes).collect()));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; index(END)];
        let mut head = self.ident.to_vec();
        head.extend([self.e_type, self.e_machine].into_iter().flat_map(u16::to_le_bytes));
        head.extend(self.e_version.to_le_bytes());
        head.extend([self.e_entry, self.e_phoff, 0].into_iter().flat_map(u64::to_le_bytes));
        let halves = [0, 0, self.e_ehsize, self.e_phentsize, self.e_phnum, 0, 0, 0];
        head.extend(halves.into_iter().flat_map(u16::to_le_bytes));
        for h in &self.headers {
            head.extend([h.p_type, h.p_flags].into_iter().flat_map(u32::to_le_bytes));
            // The physical address is a lie in all of them: nothing may depend on it.
            let words = [h.p_offset, h.p_vaddr, u64::MAX, h.p_filesz, h.p_memsz, h.p_align];
            head.extend(words.into_iter().flat_map(u64::to_le_bytes));
        }
        bytes[..head.len()].copy_from_slice(&head);
        for (offset, part) in &self.parts {
            bytes[index(*offset)..][..part.len()].copy_from_slice(part);
        }
        bytes.resize(index(self.length), 0);
        bytes
    }
}

/// Yields five times, then rdi = the thread-local word.
const LOOP: &[u8] = &[
    0xbb, 5, 0, 0, 0, // mov ebx, 5
    0xb8, 12, 0, 0, 0, // 2: mov eax, 12
    0x0f, 0x05, // syscall
    0xff, 0xcb, // dec ebx
    0x75, 0xf5, // jnz 2b
    0x64, 0x48, 0x8b, 0x3c, 0x25, 0xf8, 0xff, 0xff, 0xff, // mov rdi, fs:[-8]
];

/// `exit(rdi)`
const EXIT: &[u8] = &[0xb8, 3, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b];

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
