//! Why a file is refused, in the words that `[kernel] NAME refused: REASON` shows.

use core::fmt;

/// Why this kernel does not run a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each variant is described by its words in `Display`")]
pub enum Refusal {
    Truncated,
    NotElf,
    Not64Bit,
    NotLittleEndian,
    UnknownVersion,
    NotExecutable,
    WrongMachine,
    BadHeaderSize,
    BadHeaderCount,
    HeadersOutsideFile,
    NeedsInterpreter,
    NoSegments,
    SegmentOutsideFile,
    FileLargerThanMemory,
    OutsideUserMemory,
    BadAlignment,
    Misaligned,
    NotReadable,
    WritableAndExecutable,
    Overlap,
    BadEntry,
    SeveralDynamic,
    BadDynamic,
    NeedsLibrary,
    BadRelocationTable,
    UnknownRelocation,
    BadRelocationTarget,
    SeveralTls,
    BadTls,
    NoRoom,
    TooLarge { pages: u64, limit: u64 },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Truncated => "shorter than an ELF header",
            Self::NotElf => "not an ELF file",
            Self::Not64Bit => "not 64-bit",
            Self::NotLittleEndian => "not little-endian",
            Self::UnknownVersion => "unknown ELF version",
            Self::NotExecutable => "not an executable",
            Self::WrongMachine => "not for x86-64",
            Self::BadHeaderSize => "bad header size",
            Self::BadHeaderCount => "no program headers or more than 64",
            Self::HeadersOutsideFile => "program headers outside the file",
            Self::NeedsInterpreter => "needs an interpreter",
            Self::NoSegments => "nothing to load",
            Self::SegmentOutsideFile => "segment outside the file",
            Self::FileLargerThanMemory => "segment larger in the file than in memory",
            Self::OutsideUserMemory => "segment outside user memory",
            Self::BadAlignment => "segment alignment impossible",
            Self::Misaligned => "segment misaligned",
            Self::NotReadable => "segment not readable",
            Self::WritableAndExecutable => "segment writable and executable",
            Self::Overlap => "segments overlap",
            Self::BadEntry => "entry point not in executable code",
            Self::SeveralDynamic => "more than one dynamic section",
            Self::BadDynamic => "dynamic section outside the file",
            Self::NeedsLibrary => "needs a shared library",
            Self::BadRelocationTable => "bad relocation table",
            Self::UnknownRelocation => "relocation kind not supported",
            Self::BadRelocationTarget => "relocation outside every segment",
            Self::SeveralTls => "more than one thread-local template",
            Self::BadTls => "bad thread-local template",
            Self::NoRoom => "no room for its stack",
            Self::TooLarge { pages, limit } => {
                return write!(f, "needs {pages} pages, limit {limit}");
            }
        };
        f.write_str(words)
    }
}
