//! Sessions with a stub that is not QEMU and a gdb that is a test.

mod back;
mod build;
mod life;
mod run;
mod state;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use super::{Hooks, Session};
use crate::elf::Identity;
use crate::fake::{self, Moment, Stub};
use crate::packet::{Decoder, Item, Speaker, frame};
use crate::programs::Programs;

const HOOKS: Hooks = Hooks {
    info: 0xffff_8000_0000_1000,
    spawned: 0xffff_8000_0010_0000,
    exited: 0xffff_8000_0010_0010,
    syscall: 0xffff_8000_0010_0020,
    resumes: [0xffff_8000_0010_0030, 0xffff_8000_0010_0040],
};
/// An instruction of the kernel that means nothing.
const SOMEWHERE: u64 = 0xffff_8000_0010_1000;
const ENTRIES: u64 = 0xffff_8000_0001_0000;
const ENTRY_SIZE: u64 = 0x100;
const RECORDS: u64 = 0xffff_8000_0001_8000;
const RECORD_SIZE: u64 = 0x80;
const LIVE: u64 = 0xffff_8000_0000_8000;
const CURRENT: u64 = 0xffff_8000_0000_8008;
const IDLE: u64 = 0xffff_8000_0000_8010;
const BOOT_STACK: u64 = 0xffff_9000_0001_0000;
const STACKS: u64 = 0xffff_a000_0000_0000;
const STRIDE: u64 = 0x5000;

const SELECTORS: u64 = 72;

const READY: u8 = 1;
const RUNNING: u8 = 2;

const TABLE: [(&str, u64); 32] = [
    ("table.entries", ENTRIES),
    ("table.capacity", 8),
    ("table.live", LIVE),
    ("entry.size", ENTRY_SIZE),
    ("entry.tag", 0),
    ("entry.process", 8),
    ("process.pid", 0),
    ("process.name", 8),
    ("tasks", RECORDS),
    ("task.size", RECORD_SIZE),
    ("task.state", 0),
    ("task.context", 0x18),
    ("task.voluntary", 0x20),
    ("task.forced", 0x28),
    ("name.size", 31),
    ("state.inner", 8),
    ("state.value", 16),
    ("current.context", CURRENT),
    ("idle.context", IDLE),
    ("stack.stride", STRIDE),
    ("stack.region", STACKS),
    ("context.rbx", 0),
    ("context.rbp", 8),
    ("context.r12", 16),
    ("context.r13", 24),
    ("context.r14", 32),
    ("context.r15", 40),
    ("context.rsp", 48),
    ("context.cr3", 56),
    ("context.in_kernel", 64),
    ("context.selectors", SELECTORS),
    ("page.promised", 1 << 10),
];

/// A kernel in the memory of a stub, with the boot context on the CPU.
fn kernel(stub: &Stub) {
    stub.put(HOOKS.info, &fake::table(1, &TABLE));
    stub.put(ENTRIES, &[0; 8 * ENTRY_SIZE as usize]);
    stub.put(RECORDS, &[0; 8 * RECORD_SIZE as usize]);
    stub.put_word(LIVE, 0);
    stub.put_word(IDLE, BOOT_STACK);
    stub.put_word(CURRENT, BOOT_STACK);
    stub.put(BOOT_STACK, &[0; 64]);
    stub.put_word(BOOT_STACK + 64, 1);
    stub.set(on_cpu_idle());
}

/// A task in that slot, with its context at the top of its stack and other values in each register.
fn task(stub: &Stub, slot: u64, pid: u64, state: u8) {
    let entry = ENTRIES + slot * ENTRY_SIZE;
    stub.put_word(entry, 1);
    stub.put_word(entry + 8, pid);
    stub.put(entry + 8 + 8, format!("task{pid}\0").as_bytes());
    let record = RECORDS + slot * RECORD_SIZE;
    stub.put(record, &[state]);
    stub.put_word(record + 0x18, context(slot));
    stub.put_word(record + 0x20, 7);
    for word in 0..6 {
        stub.put_word(context(slot) + 8 * word, 0x100 * pid + word);
    }
    stub.put_word(context(slot) + 48, context(slot) - 0x200);
    stub.put_word(context(slot) + 56, 0x1000 * (pid + 1));
    stub.put_word(context(slot) + 64, 1);
    stub.put_word(LIVE, stub.word(LIVE) + 1);
}

fn context(slot: u64) -> u64 {
    STACKS + (slot + 1) * STRIDE - 0x100
}

/// What the CPU holds while the task in that slot is in the kernel, at `rip`.
fn on_cpu(slot: u64, pid: u64, rip: u64) -> Moment {
    vec![("rip", rip), ("rsp", context(slot) - 0x300), ("cs", 8), ("cr3", 0x1000 * (pid + 1))]
}

/// The same in ring 3.
fn in_program(pid: u64, rip: u64) -> Moment {
    vec![("rip", rip), ("rsp", 0x50_0000), ("cs", 0x23), ("cr3", 0x1000 * (pid + 1))]
}

fn on_cpu_idle() -> Moment {
    vec![("rip", SOMEWHERE), ("rsp", BOOT_STACK - 0x100), ("cs", 8), ("cr3", 0x1000)]
}

/// A gdb that asks what a test wants asked.
struct Gdb {
    stream: UnixStream,
    decoder: Decoder,
    session: Option<JoinHandle<crate::Result<()>>>,
}

impl Gdb {
    /// Connects to a session with that stub, as gdb does.
    fn start(prepare: impl FnOnce(&Stub)) -> (Self, Stub) {
        let (mut gdb, stub) = Self::with_kernel(None, prepare);
        gdb.ask("qSupported:multiprocess+;fork-events+");
        (gdb, stub)
    }

    /// The same with a kernel that can be told from others.
    fn with_kernel(identity: Option<Identity>, prepare: impl FnOnce(&Stub)) -> (Self, Stub) {
        let (wires, stub, stream) = fake::wires();
        prepare(&stub);
        let session = thread::spawn(move || {
            let kernel = (PathBuf::from("/kernel.elf"), identity);
            Session::with(wires, HOOKS, kernel, Programs::default())?.serve()
        });
        let gdb = Self { stream, decoder: Decoder::new(Speaker::Stub), session: Some(session) };
        (gdb, stub)
    }

    /// Connects and lets everybody be announced.
    fn attach(prepare: impl FnOnce(&Stub)) -> (Self, Stub) {
        let (mut gdb, stub) = Self::start(prepare);
        let mut told = gdb.ask("?");
        while told.contains("fork:") {
            told = gdb.ask("vCont;c");
        }
        assert!(told.starts_with("T05thread:"), "{told}");
        (gdb, stub)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    fn ask(&mut self, packet: &str) -> String {
        self.send(&frame(packet.as_bytes()));
        self.hear()
    }

    /// Resumes, and presses Ctrl-C once the machine runs.
    fn interrupt(&mut self, stub: &Stub, packet: &str) -> String {
        self.send(&frame(packet.as_bytes()));
        while !stub.is_running() {
            thread::yield_now();
        }
        self.send(b"\x03");
        self.hear()
    }

    fn hear(&mut self) -> String {
        let mut byte = [0];
        loop {
            self.stream.read_exact(&mut byte).expect("the session has ended");
            if let Some(Item::Packet(data)) = self.decoder.push(byte[0]) {
                self.send(b"+");
                return String::from_utf8(data).unwrap();
            }
        }
    }

    fn leave(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
        self.end().unwrap();
    }

    /// How the session ended.
    fn end(mut self) -> crate::Result<()> {
        self.session.take().unwrap().join().unwrap()
    }
}
