//! Assembly in parts, the kernel's and that of `brink`, and which of its instructions do not count,
//! and why.

use std::collections::{BTreeMap, BTreeSet};

use iced_x86::{Instruction, Mnemonic, Register};
use orbital_tests::code::Kernel;

/// A stretch of assembly.
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
const NEVER_REACHED: &str = "is behind what faults";
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

/// Whether an instruction is the one meant.
type Is = fn(&Instruction) -> bool;

/// The tasks of `brink`, and what faults in them.
const TASKS: [(&str, Is); 7] = [
    ("brink_call", |_| false),
    ("brink_yield", |_| false),
    ("brink_run_ready", |_| false),
    ("brink_selector", |_| false),
    ("brink_touch", |_| false),
    ("brink_read", |instruction| instruction.op0_register() == Register::AL),
    ("brink_ud2", |instruction| instruction.mnemonic() == Mnemonic::Ud2),
];

/// All that the tasks of `brink` execute.
pub(crate) fn tasks(brink: &Kernel) -> impl Iterator<Item = Part> {
    TASKS.into_iter().map(|(name, faults)| {
        let behind = brink.body(name).iter().skip_while(|i| !faults(i)).skip(1);
        let behind = behind.map(Instruction::ip).collect();
        Part::new(brink, name, &[name], &[]).excuse(&behind, NEVER_REACHED)
    })
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

    /// That the timer was there at every instruction that counts.
    pub(crate) fn expect_all(&self, code: &Kernel, what: &str, places: &BTreeSet<u64>) {
        let met = self.instructions.intersection(places).count();
        println!("{}: {what} {met} of {} instructions", self.name, self.instructions.len());
        for (ip, why) in &self.excused {
            println!("  not counted: {ip:#x} in {}: {why}", code.name(*ip));
        }
        let missed: Vec<_> = self.instructions.difference(places).collect();
        assert!(missed.is_empty(), "{}: never at {missed:#x?}", self.name);
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
