//! A non-maskable interrupt at every instruction of the ways into the kernel, through the switch, and
//! out again: the kernel counts it, and nothing else changes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use iced_x86::{Instruction, Mnemonic};
use orbital_abi::Sysno;
use orbital_tests::code::Kernel;
use orbital_tests::{Machine, Profile, Result, Stub, exit};

/// Programs that check every register, one as it calls and one as it is preempted, and one that starts
/// others, some of which fault.
const PROGRAMS: &str = "registers 300 1; registers 20 2 ticks; drill 200 3";

/// NMIs that each of entry, switch and exit gets at least.
const ENOUGH: usize = 300;

/// Entry, switch and exit, each with the functions and labels it is made of.
const PARTS: [(&str, &[&str]); 3] = [
    ("entry", &["syscall_entry", "vector_20", "vector_0e", "trap_common"]),
    ("switch", &["leave_context", "suspend_context", "switch_context"]),
    ("exit", &["trap_exit", "interrupt_exit"]),
];

/// The ways into the kernel, and how often each is followed: by a call, a timer tick, a page fault.
const WAYS: [(&str, usize); 3] = [("syscall_entry", 20), ("vector_20", 12), ("vector_0e", 6)];

/// Where each part begins that is entered from Rust.
const INNER: [&str; 4] = ["leave_context", "suspend_context", "trap_exit", "interrupt_exit"];

/// More instructions than the kernel needs to get from one program to another.
const LONGEST: usize = 1_000;

/// Number of `rax` for the stub.
const RAX: u8 = 0;

/// Where the kernel's half of the addresses begins.
const KERNEL: u64 = 0xffff_8000_0000_0000;

/// The machine, stepped through by hand, and where it got NMIs.
struct Sweep {
    kernel: Kernel,
    machine: Machine,
    stub: Stub,
    /// Where the kernel counts NMIs, and what it had counted before.
    counter: u64,
    counted: u64,
    handler: Range<u64>,
    /// How many there were before each instruction.
    injected: BTreeMap<u64, usize>,
}

impl Sweep {
    /// Takes hold of a machine at its first program's first call. Time passes by instructions, so
    /// that every run is the same.
    fn start() -> Result<Self> {
        let kernel = Kernel::read(Profile::Release)?;
        let policy = "sched=round-robin quantum=20us poweroff=yes quiet=yes";
        let machine = Machine::builder()
            .profile(Profile::Release)
            .icount(0)
            .cmdline(format!("run=\"{PROGRAMS}\" {policy}"))
            .wait_for_gdb()
            .boot()?;
        let mut stub = Stub::attach(&machine)?;
        stub.run_to(&[kernel.body("syscall_entry")[0].ip()])?;
        stub.step_into_interrupts()?;
        let counter = kernel.variable("stubs::NMI_COUNT").ok_or("the kernel counts no NMIs")?;
        let counted = stub.word(counter)?;
        let code = kernel.body("vector_02");
        let handler = code[0].ip()..code[code.len() - 1].next_ip();
        Ok(Self { kernel, machine, stub, counter, counted, handler, injected: BTreeMap::new() })
    }

    fn first(&self, name: &str) -> u64 {
        self.kernel.body(name)[0].ip()
    }

    /// The addresses of the instructions of these functions and labels, without what fills up to
    /// the next.
    fn addresses(&self, names: &[&str]) -> BTreeSet<u64> {
        let all = names.iter().flat_map(|name| self.kernel.body(name));
        all.filter(|i| i.mnemonic() != Mnemonic::Int3).map(Instruction::ip).collect()
    }

    /// How many NMIs there were before these instructions, and before how many of them.
    fn tally(&self, instructions: &BTreeSet<u64>) -> (usize, usize) {
        let met = instructions.iter().filter_map(|rip| self.injected.get(rip));
        (met.clone().sum(), met.count())
    }

    /// An NMI before the instruction at `rip`, where the machine stands. It must come back there.
    fn inject(&mut self, rip: u64) -> Result {
        self.machine.monitor("nmi")?;
        let mut at = rip;
        // A step may end before it begins, when something else was to be looked at first.
        while !self.handler.contains(&at) {
            assert_eq!(at, rip, "no NMI, and the machine goes on");
            at = self.stub.step()?;
        }
        while self.handler.contains(&at) {
            at = self.stub.step()?;
        }
        assert_eq!(at, rip, "the NMI leads elsewhere");
        *self.injected.entry(rip).or_default() += 1;
        Ok(())
    }

    /// From the instruction where the machine stands, in the kernel, to the next one in ring 3: NMIs
    /// before each that is in `parts`, or before all. Not for ever: a task of the kernel stays there.
    fn pass(&mut self, parts: Option<&BTreeSet<u64>>) -> Result {
        let inner = INNER.map(|name| self.first(name));
        let mut rip = self.stub.rip()?;
        for _ in 0..LONGEST {
            if rip < KERNEL {
                break;
            }
            if parts.is_none_or(|parts| parts.contains(&rip)) {
                self.inject(rip)?;
                rip = self.stub.step()?;
            } else {
                rip = self.stub.run_to(&inner)?;
            }
        }
        Ok(())
    }

    /// Lets the machine go to its end, which must be a good one, with every NMI counted.
    fn finish(mut self) -> Result {
        let counted = self.stub.word(self.counter)? - self.counted;
        assert_eq!(counted, self.injected.values().sum::<usize>() as u64);
        self.stub.detach()?;
        self.machine.expect_exit(exit::SUCCESS)
    }
}

#[test]
fn three_hundred_at_the_instructions_of_entry_switch_and_exit_each_are_harmless() -> Result {
    let mut sweep = Sweep::start()?;
    let parts = PARTS.map(|(name, names)| (name, sweep.addresses(names)));
    let all = parts.iter().flat_map(|(_, part)| part).copied().collect();
    for (way, times) in WAYS {
        for _ in 0..times {
            sweep.stub.run_to(&[sweep.first(way)])?;
            sweep.pass(Some(&all))?;
        }
    }
    for (name, part) in &parts {
        let (count, met) = sweep.tally(part);
        println!("{name}: {count} NMIs at {met} of {} instructions", part.len());
        assert!(count >= ENOUGH, "{name}");
        // Not met: interrupts of the idle task, and a return to where no program can be.
        assert!(met * 10 >= part.len() * 7, "{name}");
    }
    for (name, way_out) in [("trap_exit", Mnemonic::Sysretq), ("interrupt_exit", Mnemonic::Iretq)] {
        let last = sweep.kernel.body(name).iter().find(|i| i.mnemonic() == way_out);
        assert!(last.is_some_and(|i| sweep.injected.contains_key(&i.ip())), "{way_out:?}");
    }
    sweep.finish()
}

/// From the first instruction in the kernel to another program's, whatever lies between.
#[test]
fn at_every_instruction_of_a_yield_and_of_a_timer_tick_they_are_harmless() -> Result {
    let mut sweep = Sweep::start()?;
    let switch = sweep.first("switch_context");
    for (way, leave) in [("syscall_entry", "trap_exit"), ("vector_20", "interrupt_exit")] {
        let leave = sweep.first(leave);
        let before = sweep.injected.clone();
        let met = |sweep: &Sweep, rip| sweep.injected.get(rip) > before.get(rip);
        while !(met(&sweep, &switch) && met(&sweep, &leave)) {
            sweep.stub.run_to(&[sweep.first(way)])?;
            let yields = sweep.stub.register(RAX)? == Sysno::Yield.number();
            if yields || way == "vector_20" {
                sweep.pass(None)?;
            }
        }
        let instructions = sweep.injected.keys().filter(|rip| met(&sweep, rip)).count();
        println!("{way}: NMIs at {instructions} instructions");
    }
    sweep.finish()
}
