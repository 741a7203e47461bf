//! Where the machine was when the timer was due, and where programs were when they lost the CPU.
//!
//! QEMU logs the interrupts that the local APIC raises, and where each block of code begins that it
//! executes. Counting instructions as time it ends a block exactly where the timer is due, so what
//! begins next tells the place. Blocks outside of the parts are left out of the log, or it would be a
//! hundred times as long; so the first instruction of what Rust calls cannot be told from the Rust
//! before it, and does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use iced_x86::{Instruction, Mnemonic};
use orbital_tests::code::Kernel;
use orbital_tests::{Builder, Result, program};
use xmas_elf::ElfFile;

/// A stretch of the kernel's assembly.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Its instructions, but those that do not count.
    pub(crate) instructions: BTreeSet<u64>,
}

/// Entry, switch and exit.
pub(crate) fn parts(kernel: &Kernel) -> [Part; 3] {
    let addresses = |names: &[&str]| -> BTreeSet<u64> {
        let all = names.iter().flat_map(|name| up_to_the_call(kernel.body(name)));
        all.map(Instruction::ip).collect()
    };
    let but_the_first = |names: &[&str], called: &[&str]| {
        let mut all = addresses(names);
        for name in called {
            all.remove(&kernel.body(name)[0].ip());
        }
        all
    };
    let switch = ["leave_context", "suspend_context", "switch_context"];
    [
        Part { name: "entry", instructions: addresses(&["syscall_entry", "trap_common"]) },
        Part { name: "switch", instructions: but_the_first(&switch, &switch[..2]) },
        Part { name: "exit", instructions: but_the_first(&["trap_exit"], &["trap_exit"]) },
    ]
}

/// An entry ends with the call of the kernel. What fills up to the next function is none.
fn up_to_the_call(body: &[Instruction]) -> &[Instruction] {
    let call = body.iter().position(|i| i.mnemonic() == Mnemonic::Call).map(|at| at + 1);
    let filling = body.iter().position(|i| i.mnemonic() == Mnemonic::Int3);
    &body[..call.or(filling).unwrap_or(body.len())]
}

impl Part {
    /// How many of the instructions are among these.
    pub(crate) fn met(&self, places: &BTreeSet<u64>) -> usize {
        self.instructions.intersection(places).count()
    }
}

/// QEMU's log of one run.
pub(crate) struct Log(PathBuf);

impl Log {
    pub(crate) fn new(name: &str) -> Self {
        let file = format!("{name}-{}.log", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file))
    }

    /// The machine, which writes the log.
    pub(crate) fn of(&self, machine: Builder, kernel: &Kernel) -> Builder {
        let range = |first: &str, last: &str| {
            let (first, last) = (kernel.body(first), kernel.body(last));
            format!("{:#x}..{:#x}", first[0].ip(), last[last.len() - 1].ip())
        };
        // With the vectors, so that an interrupt in ring 3 is not taken for one in what follows.
        let ranges = [
            range("vector_00", "vector_ff"),
            range("syscall_entry", "trap_exit"),
            range("trap_common", "trap_common"),
            range("leave_context", "switch_context"),
        ];
        let filter = ranges.join(",");
        let file = self.0.display().to_string();
        let events = "exec,nochain,trace:apic_local_deliver";
        ["-d", events, "-dfilter", &filter, "-D", &file]
            .into_iter()
            .fold(machine, Builder::qemu_arg)
    }

    /// The places where the timer was due.
    pub(crate) fn expiries(&self) -> Result<BTreeSet<u64>> {
        let mut places = BTreeSet::new();
        let mut due = false;
        for line in BufReader::new(File::open(&self.0)?).lines() {
            let line = line?;
            if line.starts_with("apic_local_deliver vector 0 ") {
                due = true;
            } else if let Some(place) = begun(&line).filter(|_| due) {
                places.insert(place);
                due = false;
            }
        }
        Ok(places)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Nothing is lost if it never was there.
        let _ = fs::remove_file(&self.0);
    }
}

/// Where a block begins: `Trace 0: 0x7f0123456789 [0000000000000000/ffffffff80056b5c/..] `.
fn begun(line: &str) -> Option<u64> {
    let place = line.strip_prefix("Trace ")?.split('/').nth(1)?;
    u64::from_str_radix(place, 16).ok()
}

/// An instruction of a program: its name, the address.
type Place<'a> = (&'a str, u64);

/// Where programs lost the CPU to the timer.
#[derive(Default)]
pub(crate) struct Preempted {
    /// At how many instructions.
    pub(crate) instructions: usize,
    /// At how many of those that are something special.
    pub(crate) first: usize,
    pub(crate) calls: usize,
    pub(crate) returns: usize,
    pub(crate) faults: usize,
}

impl Preempted {
    /// Reads the kernel's record of its switches, which has all of them.
    pub(crate) fn from_trace(trace: &str) -> Result<Self> {
        const SYSCALL_LENGTH: u64 = 2;
        let mut names = BTreeMap::new();
        let mut met = BTreeSet::<Place<'_>>::new();
        let [mut first, mut calls, mut returns, mut faults] = [const { BTreeSet::new() }; 4];
        for line in trace.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["name", pid, name] => {
                    first.insert((name, entry(name).unwrap_or(0)));
                    names.insert(pid, name);
                }
                ["switch", _, _, _, from, _, why, rip] => {
                    let name = names.get(from).copied().unwrap_or_default();
                    let rip = u64::from_str_radix(rip, 16).map_err(|_| line.to_owned())?;
                    match why {
                        "slice-used-up" => met.insert((name, rip)),
                        "killed" => faults.insert((name, rip)),
                        "exited" => calls.insert((name, rip.saturating_sub(SYSCALL_LENGTH))),
                        _ => {
                            calls.insert((name, rip.saturating_sub(SYSCALL_LENGTH)));
                            returns.insert((name, rip))
                        }
                    };
                }
                ["lost", switches, _] => assert_eq!(switches, "0", "the record has not all"),
                _ => {}
            }
        }
        let count = |places: &BTreeSet<Place<'_>>| met.intersection(places).count();
        Ok(Self {
            instructions: met.len(),
            first: count(&first),
            calls: count(&calls),
            returns: count(&returns),
            faults: count(&faults),
        })
    }
}

impl fmt::Display for Preempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instructions, first, calls, returns, faults } = self;
        write!(
            f,
            "programs lost the CPU at {instructions} of their instructions: {first} first ones, \
             {calls} calls, {returns} behind a call, {faults} that fault"
        )
    }
}

/// Where a program begins.
fn entry(name: &str) -> Option<u64> {
    let file = fs::read(program(name).ok()?).ok()?;
    Some(ElfFile::new(&file).ok()?.header.pt2.entry_point())
}
