//! The switch routine itself, between stacks on the host: nothing in it is privileged while both
//! contexts have the same CR3.

extern crate std;

use super::super::entry;
use super::*;
use core::cell::{Cell, UnsafeCell};
use core::hint::black_box;
use core::ptr::null_mut;
use std::vec;

const STACK_SIZE: usize = 64 << 10;
const CR3: u64 = 0x1000;
const ROUNDS: u64 = 10_000;

/// Puts six values made from `seed` into the callee-saved registers, switches, and counts how
/// many of them are not there afterwards.
#[unsafe(naked)]
unsafe extern "C" fn switch_with_pattern(
    prev: *mut TaskContext,
    next: *const TaskContext,
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

/// One that says nothing yet; `TaskContext::empty` would read CR3.
fn context() -> TaskContext {
    TaskContext::suspended(null_mut(), CR3, null_mut(), null_mut())
}

/// The host's own context, that of a task, and what the task saw.
struct Pair {
    host: UnsafeCell<TaskContext>,
    task: UnsafeCell<TaskContext>,
    runs: Cell<u64>,
    lost_registers: Cell<u64>,
    misalignment: Cell<usize>,
}

impl Pair {
    fn new() -> Self {
        Self {
            host: UnsafeCell::new(context()),
            task: UnsafeCell::new(context()),
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

    /// Makes the task one that will run `entry` on `stack`.
    fn start(&self, stack: &mut [u128], entry: extern "C" fn(usize) -> !) {
        let top = stack.as_mut_ptr_range().end.cast();
        let arg = &raw const *self as usize;
        // SAFETY: a stack of its own, a multiple of 16; suspend_context does not use the image.
        let task = unsafe { TaskContext::for_kernel(top, CR3, null_mut(), entry, arg) };
        // SAFETY: the task does not run, so nobody else looks at its context.
        unsafe { self.task.get().write(task) };
    }
}

/// Runs in the task: switches back to the host, for ever.
extern "C" fn ping(arg: usize) -> ! {
    let pair = Pair::of(arg);
    loop {
        pair.runs.set(pair.runs.get() + 1);
        let seed = pair.runs.get() << 32 | 0xa5a5;
        // SAFETY: this task runs; the host is suspended.
        let lost = unsafe { switch_with_pattern(pair.task.get(), pair.host.get(), seed) };
        pair.lost_registers.set(pair.lost_registers.get() + lost);
    }
}

#[test]
fn callee_saved_registers_survive_every_switch() {
    let (pair, mut stack) = (Pair::new(), vec![0; STACK_SIZE / 16]);
    pair.start(&mut stack, ping);
    let mut lost = 0;
    for seed in 0..ROUNDS {
        // SAFETY: the host runs, the task is suspended.
        lost += unsafe { switch_with_pattern(pair.host.get(), pair.task.get(), seed) };
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
    unsafe { suspend_context(pair.task.get(), pair.host.get()) };
    unreachable!("resumed")
}

#[test]
fn a_kernel_task_starts_on_an_aligned_stack() {
    let (pair, mut stack) = (Pair::new(), vec![0; STACK_SIZE / 16]);
    pair.start(&mut stack, note_alignment);
    pair.misalignment.set(1);
    // SAFETY: the host runs, the task is suspended.
    unsafe { suspend_context(pair.host.get(), pair.task.get()) };
    assert_eq!(pair.misalignment.get(), 0);
}

#[test]
fn a_new_program_looks_as_if_it_were_about_to_leave_the_kernel() {
    let mut stack = vec![0u128; STACK_SIZE / 16];
    let top = stack.as_mut_ptr_range().end.cast::<u8>();
    let frame = TrapFrame::user(0x40_1000, 0x50_0000, 3);
    // SAFETY: a stack of its own; the context never runs.
    let context = unsafe { TaskContext::for_user(top, CR3, null_mut(), frame) };
    let frame_at = top.cast::<TrapFrame>().wrapping_sub(1);
    let return_address_at = frame_at.cast::<u64>().wrapping_sub(1);
    // SAFETY: `for_user` wrote a frame there.
    assert_eq!(unsafe { frame_at.read() }, frame);
    // SAFETY: and a word below it.
    let return_address = unsafe { return_address_at.read() };
    assert_eq!(return_address, entry::trap_exit as *const () as u64);
    assert_eq!(context.rsp, return_address_at as u64);
    assert_eq!(context.kernel_stack_top, top);
    assert_eq!(context.user_rip(), 0x40_1000);
    assert!((frame_at as usize).is_multiple_of(16), "rsp where Rust is called");
}
