//! Memory that the kernel must not touch on a program's behalf, and a piece of its own beside it.

use programs::edge;
use ulib::abi::Sysno;
use ulib::abi::layout::{PAGE_SIZE, STACK_SIZE, USER_END, USER_START};
use ulib::{Args, println};

use crate::report::Report;

/// Where a call's pointer and length point.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) what: &'static str,
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// Lengths that no limit admits: with a good pointer they leave user memory or wrap around.
pub(crate) const HUGE_LENGTHS: [u64; 4] = [USER_END, 1 << 63, i64::MAX.cast_unsigned(), u64::MAX];

/// How much of a range lies before an edge: less than the smallest thing that a call writes.
const BEFORE: u64 = 4;
/// The length of a bad range.
const LENGTH: u64 = 16;

/// Ranges that no program may read, and so not write or run either.
pub(crate) const UNREADABLE: [Range; 12] = [
    bad("null", 0),
    bad("address 1", 1),
    bad("below user memory", USER_START - LENGTH),
    bad("unmapped", USER_END / 2),
    bad("across the end of user memory", USER_END - BEFORE),
    bad("at the end of user memory", USER_END),
    bad("first non-canonical", USER_END + PAGE_SIZE),
    bad("last non-canonical", 0xffff_7fff_ffff_ffff - LENGTH),
    bad("the kernel's window on memory", 0xffff_8800_0010_0000),
    bad("the kernel", 0xffff_ffff_8000_0000),
    bad("the last bytes there are", u64::MAX - LENGTH),
    bad("around the end of memory", u64::MAX - BEFORE + 1),
];

const fn bad(what: &'static str, start: u64) -> Range {
    Range { what, start, length: LENGTH }
}

/// What the scratch memory is filled with.
const FILL: u8 = 0xa5;

/// Writable memory that ends at an unmapped page, filled with [`FILL`].
pub(crate) struct Scratch {
    bytes: &'static mut [u8],
    /// The highest page of the stack.
    stack_page: u64,
}

impl Scratch {
    /// The program's only scratch memory. The arguments lie at the top of the stack.
    pub(crate) fn take(args: Args) -> Option<Self> {
        let top = args.get(0)?.as_ptr().expose_provenance() as u64;
        let bytes = edge::take()?;
        bytes.fill(FILL);
        Some(Self { bytes, stack_page: top / PAGE_SIZE * PAGE_SIZE })
    }

    /// Where it starts.
    pub(crate) fn address(&self) -> u64 {
        self.bytes.as_ptr().expose_provenance() as u64
    }

    fn end(&self) -> u64 {
        self.address() + self.bytes.len() as u64
    }

    /// Ranges near its own memory that the program may not read.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = Range> + use<> {
        [
            bad("across the end of the image", self.end() - BEFORE),
            bad("after the image", self.end()),
            bad("below the stack", self.stack_page - STACK_SIZE),
        ]
        .into_iter()
    }

    /// All ranges that the program may not write.
    pub(crate) fn unwritable(&self) -> impl Iterator<Item = Range> + use<> {
        static READ_ONLY: [u8; 16] = [FILL; 16];
        let text = crate::main as *const ();
        let read_only = [
            bad("text", text.expose_provenance() as u64),
            bad("read-only data", READ_ONLY.as_ptr().expose_provenance() as u64),
        ];
        let own = self.unreadable().chain(read_only);
        UNREADABLE.into_iter().chain(own)
    }

    /// A part of the stack that was never used: it is the program's, though no page is there yet.
    pub(crate) fn untouched_stack(&self) -> Range {
        Range {
            what: "stack that was never used",
            start: self.stack_page - STACK_SIZE / 2,
            length: PAGE_SIZE,
        }
    }

    /// Reports a call that failed and yet wrote to the scratch memory.
    pub(crate) fn check_untouched(&mut self, report: &mut Report, call: Sysno) {
        report.checks += 1;
        if let Some(offset) = self.bytes.iter().position(|&byte| byte != FILL) {
            println!("badcalls: {} failed, but wrote at scratch + {offset:#x}", call.name());
            report.wrong += 1;
            self.bytes.fill(FILL);
        }
    }
}
