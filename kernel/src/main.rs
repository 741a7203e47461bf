//! The Orbital kernel: processes with real saved registers, and every switch between them visible.
//!
//! `kernel_main` is boot as a list. The modules stand lowest first, and a module uses only those
//! above it in this list. To follow a yield, read `trap`, `syscall`, `sched`, with
//! `arch/src/x86_64/{entry,switch}.rs` and `core/src/table/moves.rs` beside them.
#![no_std]
#![no_main]
#![deny(clippy::unwrap_used, clippy::expect_used)]
#![expect(
    clippy::cast_possible_truncation,
    reason = "addresses and lengths are u64 where the machine's are, and usize has 64 bits"
)]

extern crate alloc;

mod attention;
mod sync;
mod text;

mod console;
mod memory;

mod debug;
mod ramdisk;
mod terminal;
mod time;

mod boot;
mod loader;

mod machine;
mod sched;

mod record;

mod process;

mod leaks;
mod panic;

mod attendant;
mod launcher;
mod syscall;
mod trap;

use bootloader_api::{BootInfo, entry_point};
use orbital_arch::clock::rdtsc;
use orbital_arch::cpuid::Features;
use orbital_arch::selftest;
use orbital_core::process::Pid;

use console::log;

entry_point!(kernel_main, config = &boot::CONFIG);

/// Not inlined: it is where a debugger stops first.
#[inline(never)]
fn kernel_main(info: &'static mut BootInfo) -> ! {
    let entered = rdtsc();
    console::init();
    log(format_args!(
        "[kernel] Orbital {}: handed over by {}",
        env!("CARGO_PKG_VERSION"),
        boot::loader_of(info)
    ));

    let features = Features::detect();
    log(format_args!("[kernel] cpu: {} {}", features.vendor(), features.brand()));
    log(format_args!("[kernel] cpu: has {}", features.found()));
    log(format_args!("[kernel] cpu: lacks {}", features.missing()));
    // SAFETY: called once, in ring 0, interrupts off, linked high.
    unsafe { orbital_arch::init::<trap::Kernel>(&features) };
    if let Err(mismatch) = selftest::run(&features) {
        panic!("cpu set-up: {mismatch}");
    }

    // SAFETY: called once; nothing that stays in use lies in the lower half (boot::CONFIG).
    let summary = match unsafe { memory::init(info) } {
        Ok(summary) => summary,
        Err(error) => panic!("memory: {error}"),
    };
    log(format_args!("[kernel] memory: {summary}"));

    boot::read(info);
    let sessions = boot::get().command_line.started_at_boot();
    assert!(terminal::init(info, sessions).is_some(), "too little memory for the terminal");
    boot::start_devices(info, entered);
    terminal::enable_interrupts();

    let wanted = &boot::get().command_line;
    loader::init(boot::get().ramdisk.programs().len());
    let room = machine::init(summary.max_tasks)
        .and_then(|()| sched::init(summary.max_tasks, wanted.trace as usize))
        .and_then(|()| process::create_kernel_task(Pid::LAUNCHER, "launcher", launcher_task))
        .and_then(|()| process::create_kernel_task(Pid::TERMINAL, "terminal", terminal_task));
    assert!(room.is_some(), "too little memory for {} tasks", summary.max_tasks);
    sched::set_policy(wanted.sched, wanted.quantum, wanted.seed);
    boot::log_seed(wanted.sched);
    log(format_args!("[kernel] memory: {}", memory::finish_boot()));
    sched::idle(attendant::serve_input)
}

extern "C" fn launcher_task(_argument: usize) -> ! {
    launcher::main(boot::get())
}

extern "C" fn terminal_task(_argument: usize) -> ! {
    attendant::main()
}
