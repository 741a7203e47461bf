//! The kernel's assembly in parts, and which of its instructions do not count, and why.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Instruction, Mnemonic};
use orbital_tests::code::Kernel;

/// A stretch of the kernel's assembly.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// The instructions at which the timer can be seen to be due.
    pub(crate) instructions: BTreeSet<u64>,
    /// The others, and why not.
    pub(crate) excused: BTreeMap<u64, &'static str>,
}

/// The log of an execution does not have Rust code.
const UNTOLD: &str = "cannot be told from the Rust before it";
const NO_SUCH_PROGRAM: &str = "is for a return to an address where no program can be";
const IDLE: &str = "is for an interrupt of idle, which the timer itself is";

/// Entry, switch and exit.
pub(crate) fn parts(kernel: &Kernel) -> [Part; 3] {
    let exit = Part::new(kernel, "exit", &["trap_exit", "interrupt_exit"], &["trap_exit"]);
    let beyond_user_end = exit.skipped_by(kernel, "interrupt_exit", Mnemonic::Jbe);
    let entry = Part::new(kernel, "entry", &["syscall_entry", "trap_common"], &[]);
    let common = kernel.body("trap_common");
    let from_ring_0 = branch(common, Mnemonic::Je).near_branch_target();
    let from_ring_0 = common.iter().map(Instruction::ip).filter(|ip| *ip >= from_ring_0).collect();
    let switch = [
        "suspend_context",
        "leave_context",
        "switch_context",
        "resume_at_exit",
        "resume_in_kernel",
        "return_in_kernel",
    ];
    [
        entry.excuse(&from_ring_0, IDLE),
        Part::new(kernel, "switch", &switch, &switch[..2]),
        exit.excuse(&beyond_user_end, NO_SUCH_PROGRAM),
    ]
}

/// The first branch of that kind.
fn branch(body: &[Instruction], kind: Mnemonic) -> &Instruction {
    let found = body.iter().find(|instruction| instruction.mnemonic() == kind);
    found.unwrap_or_else(|| panic!("no {kind:?}"))
}

impl Part {
    /// Functions and labels, of which Rust calls some, or returns to them.
    fn new(kernel: &Kernel, name: &'static str, all: &[&str], from_rust: &[&str]) -> Self {
        let mut instructions = BTreeSet::new();
        let mut untold: BTreeSet<_> =
            from_rust.iter().map(|label| kernel.body(label)[0].ip()).collect();
        for label in all {
            let body = kernel.body(label);
            // What fills up to the next function is none.
            let filling = |i: &&Instruction| matches!(i.mnemonic(), Mnemonic::Int3 | Mnemonic::Nop);
            let filled = body.iter().rev().take_while(filling).count();
            let body = &body[..body.len() - filled];
            instructions.extend(body.iter().map(Instruction::ip));
            let calls = body.iter().filter(|i| i.mnemonic() == Mnemonic::Call);
            untold.extend(calls.map(Instruction::next_ip));
        }
        untold.retain(|ip| instructions.contains(ip));
        Self { name, instructions, excused: BTreeMap::new() }.excuse(&untold, UNTOLD)
    }

    /// What a branch jumps over.
    fn skipped_by(&self, kernel: &Kernel, label: &str, kind: Mnemonic) -> BTreeSet<u64> {
        let over = branch(kernel.body(label), kind);
        self.instructions.range(over.next_ip()..over.near_branch_target()).copied().collect()
    }

    fn excuse(mut self, instructions: &BTreeSet<u64>, why: &'static str) -> Self {
        for ip in instructions.iter().filter(|ip| self.instructions.remove(ip)) {
            self.excused.insert(*ip, why);
        }
        self
    }
}
