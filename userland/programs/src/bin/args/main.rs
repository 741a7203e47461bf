//! `args [TEXT..]`: prints its arguments, environment and auxiliary vector, and checks that it was
//! started the way the contract says: every register clean, the stack aligned, nothing left over
//! from another process. Exits 1 after one line for each thing that is not so.
#![no_std]
#![no_main]

mod capture;

use programs::cpu;
use ulib::abi::layout::PAGE_SIZE;
use ulib::{Args, FAILED, println, process};

use capture::{Captured, FXSAVE_USED, GENERAL};

/// Auxiliary vector types (System V psABI, AMD64 supplement, section 3.4.3).
const AT_PAGESZ: u64 = 6;
const AT_ENTRY: u64 = 9;

/// The initial state of x87 and SSE: what `fninit` gives, and MXCSR's reset value.
const X87_CONTROL: u16 = 0x37f;
const MXCSR: u32 = 0x1f80;

/// Flags of a program's first instruction: IF and the bit that is always set.
const FLAGS: u64 = 0x202;

/// Runs straight after the registers were captured.
extern "C" fn main(stack: *const u64) -> ! {
    let captured = capture::take();
    // SAFETY: `stack` is rsp as the kernel set it for the program's first instruction.
    let args = unsafe { Args::from_initial_stack(stack) };
    print(args);
    let mut checks = Checks { wrong: 0 };
    checks.registers(&captured);
    checks.vectors(&captured);
    checks.vector(args);
    process::exit(if checks.wrong == 0 { 0 } else { FAILED })
}

fn print(args: Args) {
    println!("argc {}", args.count());
    for index in 0..args.count() {
        println!("argv[{index}] {}", args.get(index).unwrap_or(""));
    }
    for variable in args.environment() {
        println!("env {variable}");
    }
    for (kind, value) in args.auxiliary() {
        println!("auxv {kind} {value:#x}");
    }
}

/// Counts and prints what is wrong.
struct Checks {
    wrong: u32,
}

impl Checks {
    fn same(&mut self, what: &str, got: u64, want: u64) {
        if got != want {
            println!("args: {what} is {got:#x}, must be {want:#x}");
            self.wrong += 1;
        }
    }

    fn registers(&mut self, captured: &Captured) {
        for (name, value) in GENERAL.into_iter().zip(captured.general) {
            self.same(name, value, 0);
        }
        self.same("rsp modulo 16", captured.rsp % 16, 0);
        self.same("rflags", captured.flags, FLAGS);
        for (name, selector) in ["ds", "es", "fs", "gs"].into_iter().zip(captured.segments) {
            if selector != cpu::data_selector() {
                self.same(name, selector, 0);
            }
        }
    }

    fn vectors(&mut self, captured: &Captured) {
        self.same("x87 control word", captured.x87_control().into(), X87_CONTROL.into());
        self.same("mxcsr", captured.mxcsr().into(), MXCSR.into());
        for (offset, &byte) in captured.fxsave_rest() {
            if byte != 0 {
                println!("args: byte {offset} of {FXSAVE_USED} of the FXSAVE image is {byte:#x}");
                self.wrong += 1;
            }
        }
        if cpu::has_avx() {
            for (index, vector) in capture::ymm().iter().enumerate() {
                if *vector != [0; 4] {
                    println!("args: ymm{index} is {vector:x?}");
                    self.wrong += 1;
                }
            }
        }
        // The kernel switches no more state than it saves.
        let extended = cpu::xcr0().map_or(0, |xcr0| xcr0 & !cpu::X87_SSE_AVX);
        self.same("XCR0 beyond x87, SSE and AVX", extended, 0);
    }

    /// The auxiliary vector tells the truth.
    fn vector(&mut self, args: Args) {
        let entry = (capture::_start as *const ()).expose_provenance() as u64;
        for (what, kind, want) in
            [("AT_PAGESZ", AT_PAGESZ, PAGE_SIZE), ("AT_ENTRY", AT_ENTRY, entry)]
        {
            match args.auxiliary().find(|&(found, _)| found == kind) {
                Some((_, value)) => self.same(what, value, want),
                None => {
                    println!("args: {what} is missing");
                    self.wrong += 1;
                }
            }
        }
    }
}
