//! How a process ended, in the words of the log and the numbers of `task_wait`.

use core::fmt;

use orbital_abi::records::{CODE_FAULTED, CODE_KILLED, CODE_OUT_OF_MEMORY};

use crate::process::Pid;

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ExitStatus {
    /// By its own call, with this code.
    Exited(i64) = 0,
    /// By a fault of its own.
    Faulted(Fault) = 1,
    /// By another process.
    Killed(Pid) = 2,
    /// By the first touch of a page that it was promised, for want of memory.
    OutOfMemory(Starved) = 3,
}

impl ExitStatus {
    /// One word for each, by discriminant, for debuggers.
    pub const WORDS: &[&str] = &["exited", "faulted", "killed", "out-of-memory"];

    /// The number that `task_wait` delivers.
    #[must_use]
    pub fn code(&self) -> i64 {
        match self {
            Self::Exited(code) => *code,
            Self::Faulted(fault) => CODE_FAULTED + i64::from(fault.vector),
            Self::Killed(_) => CODE_KILLED,
            Self::OutOfMemory(_) => CODE_OUT_OF_MEMORY,
        }
    }

    /// Whether the program says that all went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited(0))
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited: {code}"),
            Self::Faulted(fault) => write!(f, "killed: {fault}"),
            Self::Killed(by) => write!(f, "killed: by pid {by}"),
            Self::OutOfMemory(Starved { address, rip }) => {
                write!(f, "killed: out-of-memory addr={address:#x} rip={rip:#x}")
            }
        }
    }
}

/// A page that could not be had: pages of stacks and of zeroed data are promised, and get their
/// memory when they are first touched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Starved {
    /// The address that was touched.
    pub address: u64,
    /// The instruction.
    pub rip: u64,
}

/// A CPU exception that ended a process (SDM volume 3, section 6.15).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Exception vector, 0 to 31.
    pub vector: u8,
    /// Error code; 0 where the exception has none.
    pub error: u64,
    /// For a page fault, the address that was touched.
    pub address: u64,
    /// The instruction.
    pub rip: u64,
}

impl Fault {
    const PAGE_FAULT: u8 = 14;

    /// The exception's name as the log writes it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.vector {
            0 => "divide-error",
            1 => "debug",
            2 => "non-maskable-interrupt",
            3 => "breakpoint",
            4 => "overflow",
            5 => "bound-range",
            6 => "invalid-opcode",
            7 => "device-not-available",
            8 => "double-fault",
            10 => "invalid-tss",
            11 => "segment-not-present",
            12 => "stack-segment",
            13 => "general-protection",
            Self::PAGE_FAULT => "page-fault",
            16 => "x87-floating-point",
            17 => "alignment-check",
            18 => "machine-check",
            19 => "simd-floating-point",
            20 => "virtualization",
            21 => "control-protection",
            _ => "exception",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if self.vector == Self::PAGE_FAULT {
            write!(f, " addr={:#x}", self.address)?;
        }
        write!(f, " rip={:#x} error={:#x}", self.rip, self.error)
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::{ExitStatus, Fault, Pid, Starved};

    #[test]
    fn lines_are_the_documented_ones() {
        let fault = Fault { vector: 14, error: 6, address: 0, rip: 0x40_1003 };
        let lines = [
            (ExitStatus::Exited(-3), "exited: -3"),
            (ExitStatus::Faulted(fault), "killed: page-fault addr=0x0 rip=0x401003 error=0x6"),
            (
                ExitStatus::Faulted(Fault { vector: 0, error: 0, ..fault }),
                "killed: divide-error rip=0x401003 error=0x0",
            ),
            (ExitStatus::Killed(Pid(7)), "killed: by pid 7"),
            (
                ExitStatus::OutOfMemory(Starved { address: 0x50_0ff8, rip: 0x40_1003 }),
                "killed: out-of-memory addr=0x500ff8 rip=0x401003",
            ),
        ];
        for (status, line) in lines {
            assert_eq!(status.to_string(), line);
        }
    }

    #[test]
    fn codes_of_faults_kills_and_starvation_differ_from_each_other() {
        let codes: std::vec::Vec<_> = (0..32)
            .map(|vector| {
                ExitStatus::Faulted(Fault { vector, error: 0, address: 0, rip: 0 }).code()
            })
            .chain([ExitStatus::Killed(Pid(1)).code()])
            .chain([ExitStatus::OutOfMemory(Starved { address: 0, rip: 0 }).code()])
            .collect();
        assert_eq!(codes, (128..=161).collect::<std::vec::Vec<i64>>());
    }
}
