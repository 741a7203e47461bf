//! Every field of every header wrong in every way that matters, with the reason that must be given.

use crate::builder::{
    BASE, DATA, DYNAMIC, END, File, Header, PAGE, PT_DYNAMIC, PT_INTERP, R, RW, RWX, TABLES,
};

/// First address above user memory.
const USER_END: u64 = 0x7fff_ffff_f000;

/// A file and the kernel's word for what is wrong with it.
pub(crate) struct Defect {
    pub(crate) reason: &'static str,
    pub(crate) file: File,
}

/// All of them.
pub(crate) fn all() -> Vec<Defect> {
    let mut defects = Defects(Vec::new());
    defects.file_header();
    defects.segments();
    defects.places();
    defects.relocations();
    defects.thread_local_storage();
    defects.0
}

struct Defects(Vec<Defect>);

impl Defects {
    /// The program of fixed addresses, changed.
    fn fixed(&mut self, reason: &'static str, change: impl FnOnce(&mut File)) {
        let mut file = File::fixed();
        change(&mut file);
        self.0.push(Defect { reason, file });
    }

    /// The relocatable program, changed.
    fn pie(&mut self, reason: &'static str, change: impl FnOnce(&mut File)) {
        let mut file = File::relocatable(1);
        change(&mut file);
        self.0.push(Defect { reason, file });
    }

    /// The data segment, changed.
    fn data(&mut self, reason: &'static str, change: impl FnOnce(&mut Header)) {
        self.fixed(reason, |file| change(&mut file.headers[1]));
    }

    fn file_header(&mut self) {
        for length in [0, 1, 4, 16, 63] {
            self.fixed("shorter than an ELF header", |file| file.length = length);
        }
        for length in [64, 64 + 55, 64 + 2 * 56 - 1] {
            self.fixed("program headers outside the file", |file| file.length = length);
        }
        for at in 0..4 {
            self.fixed("not an ELF file", |file| file.ident[at] ^= 0x20);
        }
        for class in [0, 1, 3, 255] {
            self.fixed("not 64-bit", |file| file.ident[4] = class);
        }
        for encoding in [0, 2, 255] {
            self.fixed("not little-endian", |file| file.ident[5] = encoding);
        }
        for version in [0, 2, 255] {
            self.fixed("unknown ELF version", |file| file.ident[6] = version);
            self.fixed("unknown ELF version", |file| file.e_version = version.into());
        }
        for kind in [0, 1, 4, 0xfe00, u16::MAX] {
            self.fixed("not an executable", |file| file.e_type = kind);
        }
        for machine in [0, 3, 40, 183, 243, u16::MAX] {
            self.fixed("not for x86-64", |file| file.e_machine = machine);
        }
        for size in [0, 52, 63] {
            self.fixed("bad header size", |file| file.e_ehsize = size);
        }
        for size in [0, 32, 55, 57, 64, u16::MAX] {
            self.fixed("bad header size", |file| file.e_phentsize = size);
        }
        for count in [0, 65, u16::MAX] {
            self.fixed("no program headers or more than 64", |file| file.e_phnum = count);
        }
        self.fixed("program headers outside the file", |file| file.e_phnum = 64);
        for offset in [END - 111, END, 1 << 32, 1 << 63, u64::MAX - 111, u64::MAX] {
            self.fixed("program headers outside the file", |file| file.e_phoff = offset);
        }
        for entry in [0, BASE - 1, BASE + DATA, BASE + PAGE + DATA, USER_END, 1 << 63, u64::MAX] {
            self.fixed("entry point not in executable code", |file| file.e_entry = entry);
        }
        self.pie("entry point not in executable code", |file| file.e_entry = u64::MAX - BASE + 1);
    }

    fn segments(&mut self) {
        self.fixed("needs an interpreter", |file| file.headers[1].p_type = PT_INTERP);
        self.fixed("nothing to load", |file| {
            file.headers.iter_mut().for_each(|header| header.p_type = 0);
        });
        for offset in [END - 1 + PAGE, 1 << 47, u64::MAX - PAGE] {
            self.data("segment outside the file", |header| header.p_offset = offset);
        }
        for size in [END - DATA + 1, 2 * PAGE] {
            self.data("segment outside the file", |header| header.p_filesz = size);
        }
        for size in [2 * PAGE + 1, 1 << 63, u64::MAX] {
            self.data("segment larger in the file than in memory", |header| header.p_filesz = size);
        }
        for flags in [0, 1, 2, 3] {
            self.data("segment not readable", |header| header.p_flags = flags);
        }
        self.data("segment writable and executable", |header| header.p_flags = RWX);
        self.fixed("segment writable and executable", |file| file.headers[0].p_flags = RWX);
        self.fixed("entry point not in executable code", |file| file.headers[0].p_flags = R);
    }

    fn places(&mut self) {
        for vaddr in [0, DATA, 0xf000 + DATA] {
            self.data("segment outside user memory", |header| header.p_vaddr = vaddr);
        }
        for page in [USER_END, USER_END - PAGE, 1 << 47, 0xffff_8000_0000_0000, !0xfff] {
            self.data("segment outside user memory", |header| header.p_vaddr = page + DATA);
        }
        for size in [USER_END, 1 << 63, u64::MAX] {
            self.data("segment outside user memory", |header| header.p_memsz = size);
        }
        for align in [3, 0x1001, u64::MAX] {
            self.data("segment alignment impossible", |header| header.p_align = align);
        }
        for align in [0x2000, 1 << 22, 1 << 63] {
            self.data("segment misaligned", |header| header.p_align = align);
        }
        for vaddr in [1, 8, 0x800] {
            self.data("segment misaligned", |header| header.p_vaddr += vaddr);
        }
        for vaddr in [BASE + DATA, BASE - PAGE + DATA] {
            self.data("segments overlap", |header| header.p_vaddr = vaddr);
        }
        self.fixed("segments overlap", |file| {
            let data = file.headers[1];
            file.headers.push(data);
            file.e_phnum += 1;
        });
        self.data("needs 262146 pages, limit 16384", |header| header.p_memsz = 1 << 30);
        self.data("needs 268435458 pages, limit 16384", |header| header.p_memsz = 1 << 40);
    }

    fn relocations(&mut self) {
        self.pie("more than one dynamic section", |file| file.headers[3].p_type = PT_DYNAMIC);
        for offset in [END, u64::MAX - 0x3f] {
            self.pie("dynamic section outside the file", |file| file.headers[2].p_offset = offset);
        }
        self.pie("needs a shared library", |file| file.put(DYNAMIC, &[1]));
        for tag in [17, 18, 35, 2] {
            self.pie("relocation kind not supported", |file| file.put(DYNAMIC + 0x30, &[tag, 1]));
        }
        for address in [DATA - 23, END, 1 << 63, u64::MAX - BASE] {
            self.pie("bad relocation table", |file| file.put(DYNAMIC + 8, &[address]));
        }
        for size in [1, 23, 25, 1 << 20, u64::MAX] {
            self.pie("bad relocation table", |file| file.put(DYNAMIC + 0x18, &[size]));
        }
        for size in [0, 16, 25, u64::MAX] {
            self.pie("bad relocation table", |file| file.put(DYNAMIC + 0x28, &[size]));
        }
        for info in [0, 1, 6, 7, 16, 37, 1 << 32 | 8, u64::MAX] {
            self.pie("relocation kind not supported", |file| file.put(TABLES + 8, &[info]));
        }
        for target in [DATA - 7, PAGE + DATA + 2 * PAGE - 7, USER_END, u64::MAX - BASE, u64::MAX] {
            self.pie("relocation outside every segment", |file| file.put(TABLES, &[target]));
        }
    }

    fn thread_local_storage(&mut self) {
        const REASON: &str = "bad thread-local template";
        self.pie("more than one thread-local template", |file| {
            let template = file.headers[3];
            file.headers.push(template);
            file.e_phnum += 1;
        });
        for offset in [END - 7, 1 << 63, u64::MAX] {
            self.pie(REASON, |file| file.headers[3].p_offset = offset);
        }
        for size in [9, END, u64::MAX] {
            self.pie(REASON, |file| file.headers[3].p_filesz = size);
        }
        for size in [7, USER_END + 1, 1 << 63, u64::MAX] {
            self.pie(REASON, |file| file.headers[3].p_memsz = size);
        }
        for align in [3, 0x2000, 1 << 63, u64::MAX] {
            self.pie(REASON, |file| file.headers[3].p_align = align);
        }
        self.pie("no room for its stack", |file| file.headers[3].p_memsz = USER_END);
    }
}

/// The program of fixed addresses with changes that concern nobody: it must run.
pub(crate) fn harmless() -> Vec<File> {
    let changes: [fn(&mut File); 5] = [
        |file| file.headers[1].p_align = 0,
        |file| file.headers[1].p_align = 1,
        |file| file.e_ehsize = 100,
        |file| file.ident[7..].fill(0xff),
        |file| {
            file.headers.push(Header::new(0x6474_e551, RW, u64::MAX, u64::MAX, u64::MAX));
            file.e_phnum += 1;
        },
    ];
    let changed = |change: fn(&mut File)| {
        let mut file = File::fixed();
        change(&mut file);
        file
    };
    changes.into_iter().map(changed).collect()
}
