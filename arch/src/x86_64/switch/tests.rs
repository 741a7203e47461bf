//! The switch routine itself, between stacks on the host: nothing in it is privileged while both
//! contexts have the same CR3.

extern crate std;

use super::*;
use core::cell::{Cell, UnsafeCell};
use core::hint::black_box;
use std::boxed::Box;
use std::sync::{Mutex, MutexGuard, PoisonError};

const STACK_SIZE: usize = 64 << 10;
const CR3: u64 = 0x1000;
/// What the host's XCR0 asks for, AMX included.
const HOST_IMAGE: usize = 16 << 10;
const ROUNDS: u64 = 10_000;

/// Puts six values made from `seed` into the callee-saved registers, switches, and counts how
/// many of them are not there afterwards.
#[unsafe(naked)]
unsafe extern "C" fn switch_with_pattern(
    prev: *mut TaskContext,
    next: *mut TaskContext,
    seed: u64,
) -> u64 {
    naked_asm!(
        ".cfi_startproc",
        "push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15",
        "push rdx",
        "lea rbx, [rdx + 1]", "lea rbp, [rdx + 2]", "lea r12, [rdx + 3]",
        "lea r13, [rdx + 4]", "lea r14, [rdx + 5]", "lea r15, [rdx + 6]",
        "call {suspend_context}",
        "pop rdx",
        "sub rbx, rdx", "sub rbp, rdx", "sub r12, rdx",
        "sub r13, rdx", "sub r14, rdx", "sub r15, rdx",
        "xor eax, eax",
        "cmp rbx, 1", "setne cl", "add al, cl",
        "cmp rbp, 2", "setne cl", "add al, cl",
        "cmp r12, 3", "setne cl", "add al, cl",
        "cmp r13, 4", "setne cl", "add al, cl",
        "cmp r14, 5", "setne cl", "add al, cl",
        "cmp r15, 6", "setne cl", "add al, cl",
        "pop r15", "pop r14", "pop r13", "pop r12", "pop rbp", "pop rbx",
        "ret",
        ".cfi_endproc",
        suspend_context = sym suspend_context,
    )
}

/// A context with its image, and below it a stack.
#[repr(C, align(64))]
struct Place {
    stack: [u8; STACK_SIZE],
    context: UnsafeCell<[u8; TaskContext::IMAGE + HOST_IMAGE]>,
}

impl Place {
    fn new() -> Box<Self> {
        point_gs_at_per_cpu();
        let place = Box::new(Self {
            stack: [0; STACK_SIZE],
            context: UnsafeCell::new([0; TaskContext::IMAGE + HOST_IMAGE]),
        });
        // SAFETY: aligned, with a stack below and room for an image behind.
        unsafe { TaskContext::write_for_kernel(place.context(), CR3, never, 0) };
        place
    }

    fn context(&self) -> *mut TaskContext {
        self.context.get().cast()
    }
}

extern "C" fn never(_: usize) -> ! {
    unreachable!("the host's own context is never new")
}

/// The switch writes to PerCpu: Linux lets a thread choose its GS base (`arch_prctl`).
fn point_gs_at_per_cpu() {
    const SYS_ARCH_PRCTL: u64 = 158;
    const ARCH_SET_GS: u64 = 0x1001;
    // SAFETY: nothing else in the thread uses gs.
    unsafe {
        core::arch::asm!("syscall", inlateout("rax") SYS_ARCH_PRCTL => _, in("rdi") ARCH_SET_GS,
            in("rsi") percpu::address(), lateout("rcx") _, lateout("r11") _, options(nostack));
    }
}

/// There is one PerCpu, which every switch writes: the tests that switch take turns.
static CPU: Mutex<()> = Mutex::new(());

/// The host's own context, that of a task, and what the task saw.
struct Pair {
    _cpu: MutexGuard<'static, ()>,
    host: Box<Place>,
    task: Box<Place>,
    runs: Cell<u64>,
    lost_registers: Cell<u64>,
    misalignment: Cell<usize>,
}

impl Pair {
    fn new() -> Self {
        Self {
            _cpu: CPU.lock().unwrap_or_else(PoisonError::into_inner),
            host: Place::new(),
            task: Place::new(),
            runs: Cell::new(0),
            lost_registers: Cell::new(0),
            misalignment: Cell::new(0),
        }
    }

    /// What a task finds behind its argument.
    fn of(arg: usize) -> &'static Self {
        // SAFETY: `start` passed the address, and the pair outlives the last run of the task.
        unsafe { &*(arg as *const Self) }
    }

    /// Makes the task one that will run `entry`.
    fn start(&self, entry: extern "C" fn(usize) -> !) {
        let arg = &raw const *self as usize;
        // SAFETY: the task does not run; its place has a stack below and room for an image behind.
        unsafe { TaskContext::write_for_kernel(self.task.context(), CR3, entry, arg) };
    }
}

/// Runs in the task: switches back to the host, for ever.
extern "C" fn ping(arg: usize) -> ! {
    let pair = Pair::of(arg);
    loop {
        pair.runs.set(pair.runs.get() + 1);
        let seed = pair.runs.get() << 32 | 0xa5a5;
        // SAFETY: this task runs; the host is suspended.
        let lost = unsafe { switch_with_pattern(pair.task.context(), pair.host.context(), seed) };
        pair.lost_registers.set(pair.lost_registers.get() + lost);
    }
}

#[test]
fn callee_saved_registers_survive_every_switch() {
    let pair = Pair::new();
    pair.start(ping);
    let mut lost = 0;
    for seed in 0..ROUNDS {
        // SAFETY: the host runs, the task is suspended.
        lost += unsafe { switch_with_pattern(pair.host.context(), pair.task.context(), seed) };
    }
    assert_eq!(lost, 0, "registers of the host");
    assert_eq!(pair.lost_registers.get(), 0, "registers of the task");
    assert_eq!(pair.runs.get(), ROUNDS);
}

/// Runs in the task: notes how its stack lies, switches back for good.
extern "C" fn note_alignment(arg: usize) -> ! {
    #[repr(align(16))]
    struct Aligned(u64);
    let pair = Pair::of(arg);
    let local = black_box(Aligned(1));
    pair.misalignment.set(black_box(&raw const local.0) as usize % 16);
    // SAFETY: this task runs and is never resumed; the host is suspended.
    unsafe { suspend_context(pair.task.context(), pair.host.context()) };
    unreachable!("resumed")
}

#[test]
fn a_kernel_task_starts_on_an_aligned_stack() {
    let pair = Pair::new();
    pair.start(note_alignment);
    pair.misalignment.set(1);
    // SAFETY: the host runs, the task is suspended.
    unsafe { suspend_context(pair.host.context(), pair.task.context()) };
    assert_eq!(pair.misalignment.get(), 0);
}

#[test]
fn the_switch_says_who_runs() {
    let pair = Pair::new();
    pair.start(ping);
    // SAFETY: the host runs, the task is suspended.
    unsafe { suspend_context(pair.host.context(), pair.task.context()) };
    assert_eq!(current(), pair.host.context());
}

#[test]
fn a_new_program_looks_as_if_it_were_about_to_leave_the_kernel() {
    let place = Place::new();
    let at = place.context();
    let frame = TrapFrame::user(0x40_1000, 0x50_0000, 3);
    // SAFETY: a place of its own; the context never runs.
    unsafe { TaskContext::write_for_user(at, CR3, frame, 0) };
    // SAFETY: it was just written.
    let context = unsafe { &*at };
    let frame_at = at.cast::<TrapFrame>().wrapping_sub(1);
    let return_address_at = frame_at.cast::<u64>().wrapping_sub(1);
    // SAFETY: `write_for_user` wrote a frame there.
    assert_eq!(unsafe { frame_at.read() }, frame);
    // SAFETY: and a word below it.
    let return_address = unsafe { return_address_at.read() };
    assert_eq!(return_address, trap_exit as *const () as u64);
    assert_eq!(context.rsp, frame_at as u64);
    assert_eq!(context.in_kernel, 0);
    assert_eq!(context.user_rip(), 0x40_1000);
    assert_eq!(context.special, 0);
    assert!((frame_at as usize).is_multiple_of(16), "rsp where Rust is called");
}

#[test]
fn thread_local_storage_makes_a_task_special() {
    let place = Place::new();
    let frame = TrapFrame::user(0x40_1000, 0x50_0000, 3);
    // SAFETY: a place of its own; the context never runs.
    unsafe { TaskContext::write_for_user(place.context(), CR3, frame, 0x1000) };
    // SAFETY: it was just written.
    assert_ne!(unsafe { (*place.context()).special }, 0);
}
