//! Carries out what the process table decides: the only caller of the switch routine.
//!
//! Every path that may change who runs ends in [`act`], which checks by name what must hold before
//! stacks change and records the switch, or goes the short way (`turns`), where none of that can be
//! otherwise. [`carry_out`] and [`leave`] switch, and nobody else. [`idle`] is where the CPU is when
//! nobody is ready: the boot context, which belongs to no process. How the policy is chosen is in
//! `policy`, what debuggers are told of all this in `layout`.

mod layout;
mod policy;
mod turns;

pub(crate) use policy::{quantum_nanos, set_policy};
pub(crate) use turns::{pass_turn, short_tick, tick};

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_arch::irq;
use orbital_arch::switch::{self, TaskContext, switch, switch_at_exit};
use orbital_core::process::{ExitStatus, Pid, WaitFor};
use orbital_core::sched::{AnyPolicy, Decision, Slot};
use orbital_core::table::Table;
use orbital_core::trace::{Event, Ring, Why};

use crate::machine::{Machine, leave_space};
use crate::sync::{self, Lock, Order};
use crate::{boot, console, debug, terminal, time};

/// All processes.
#[unsafe(link_section = ".data.hot")]
pub(crate) static TABLE: Lock<Table<Machine>> = Lock::new(Order::Table, Table::empty());

/// The last switches.
#[unsafe(link_section = ".data.hot")]
pub(crate) static TRACE: Lock<Ring> = Lock::new(Order::Trace, Ring::empty());

/// The context of [`idle`].
static IDLE: AtomicPtr<TaskContext> = AtomicPtr::new(ptr::null_mut());

/// Ticks that the CPU was halted in [`idle`].
static IDLE_TICKS: AtomicU64 = AtomicU64::new(0);

/// The running process. Only for code that runs on behalf of one.
#[inline]
pub(crate) fn running(table: &Table<Machine>) -> Slot {
    match table.running() {
        Some(slot) => slot,
        None => panic!("no process is running"),
    }
}

/// The pid of whoever is on the CPU.
#[inline]
pub(crate) fn current_pid() -> Pid {
    // SAFETY: whoever is on the CPU has a context, and nobody changes what it is called.
    Pid(unsafe { (*switch::current()).id })
}

/// The running process lets the next one run.
#[inline]
pub(crate) fn yield_now() {
    let now = rdtsc();
    carry_out(Why::Yielded, now, |table| table.yield_now(now));
}

/// The same, for a process whose call is done. Returns if it goes on at once.
pub(crate) fn yield_at_exit(frame: &mut TrapFrame) {
    let now = rdtsc();
    if let Some((_, next)) = act(Why::Yielded, now, |table| table.yield_now(now)) {
        leave(frame, next);
    }
}

/// Switches to `next`, from a process that is done in the kernel.
#[inline(always)]
fn leave(frame: &mut TrapFrame, next: *mut TaskContext) -> ! {
    // SAFETY: interrupts are off and no lock is held (callers); the frame is that of the running
    // task, and the table said of the next one Ready and now says Running.
    #[expect(clippy::disallowed_methods, reason = "one of the two callers")]
    unsafe {
        switch_at_exit(frame, next)
    }
}

/// The running process lets everybody who is ready now run.
pub(crate) fn run_ready() {
    let now = rdtsc();
    loop {
        yield_now();
        if !TABLE.with(|table| table.owes_turn(now)) {
            return;
        }
    }
}

/// The running process waits for `wait`; returns when that may have happened.
pub(crate) fn block(wait: WaitFor) {
    let now = rdtsc();
    let why = match wait {
        WaitFor::Input => Why::BlockedInput,
        WaitFor::Output => Why::BlockedOutput,
        WaitFor::Child(_) => Why::BlockedChild,
        WaitFor::Time(_) => Why::BlockedTime,
        WaitFor::Work => Why::BlockedWork,
    };
    carry_out(why, now, |table| table.block(wait, now));
}

/// Something may be due: wakes the sleepers whose moment has come, and in ring 3 takes the CPU from a
/// process whose slice is used up, if somebody else is ready.
pub(crate) fn careful_tick(in_ring_3: bool, now: u64) {
    carry_out(Why::SliceUsedUp, now, |table| {
        table.wake_due(now);
        if in_ring_3 && table.slice_is_over(now) {
            table.slice_used_up(now)
        } else {
            time::arm(table.next_due());
            Decision::Stay
        }
    });
}

/// How long the CPU was halted because nobody was ready, in ticks.
pub(crate) fn idle_ticks() -> u64 {
    IDLE_TICKS.load(Ordering::Relaxed)
}

/// The running process ends.
pub(crate) fn exit(status: ExitStatus) -> ! {
    let (pid, name) = TABLE.with(|table| {
        let slot = running(table);
        leave_space(table[slot].machine_mut());
        (table[slot].pid(), *table[slot].name())
    });
    announce_end(pid, name.as_str(), status);
    let why = match status {
        ExitStatus::Exited(_) => Why::Exited,
        _ => Why::Killed,
    };
    let now = rdtsc();
    carry_out(why, now, |table| table.exit(status, now));
    unreachable!("pid {pid} has ended and runs")
}

/// Says that a process has ended, to the log, its terminal and a debugger.
pub(crate) fn announce_end(pid: Pid, name: &str, status: ExitStatus) {
    terminal::process_ended(pid);
    if !boot::get().command_line.quiet {
        console::log(format_args!("[kernel] pid {pid} ({name}) {status}"));
    }
    debug::exited(pid, status.code());
}

/// Does what `decide` decides. Returns when the process that called it runs again.
#[inline]
pub(crate) fn carry_out(why: Why, now: u64, decide: impl FnOnce(&mut Table<Machine>) -> Decision) {
    if let Some((previous, next)) = act(why, now, decide) {
        // SAFETY: `act` has checked what is to be checked.
        #[expect(clippy::disallowed_methods, reason = "one of the two callers")]
        unsafe {
            switch(previous, next);
        }
    }
}

/// All of a switch but the switch: decides, checks by name what must hold, and records. Who is to
/// be suspended, and who resumed; nobody if the same process goes on.
fn act(
    why: Why,
    now: u64,
    decide: impl FnOnce(&mut Table<Machine>) -> Decision,
) -> Option<(*mut TaskContext, *mut TaskContext)> {
    assert!(sync::nothing_held(), "switch: a lock is held");
    let next = TABLE.with(|table| match decide(table) {
        Decision::Stay => None,
        Decision::SwitchTo(slot) => Some(put_on_cpu(table, slot, now)),
        Decision::Idle => Some(IDLE.load(Ordering::Relaxed)),
    })?;
    let previous = switch::current();
    if previous == next {
        return None;
    }
    assert!(!irq::enabled(), "switch: interrupts are on");
    // SAFETY: the context of a task that has not ended, or of the idle loop.
    let to = Pid(unsafe { (*next).id });
    // SAFETY: whoever is on the CPU has a context, and its fields are only written by the switch.
    let rip = unsafe { (*previous).user_rip() };
    let event = Event { time: now, rip, from: current_pid(), to, why, cpu: 0 };
    TRACE.with(|ring| ring.record(event));
    debug::switching(event.from.0, to.0);
    // Interrupts are off and no lock is held; `previous` is the running context and `next` one that
    // was switched out or never ran, because the table said Ready and now says Running.
    Some((previous, next))
}

/// The task in `slot` is the one that runs.
fn put_on_cpu(table: &mut Table<Machine>, slot: Slot, now: u64) -> *mut TaskContext {
    let context = table.run(slot, now);
    time::arm(table.next_due());
    ptr::with_exposed_provenance_mut(context)
}

/// Makes room for `max_tasks` processes and for the switches to be remembered, and tells debuggers
/// where both are: they are to see the first task being born.
/// `None` if there is no memory for it.
pub(crate) fn init(max_tasks: usize, remembered_switches: usize) -> Option<()> {
    let mut made = Table::try_new(max_tasks, AnyPolicy::initial())?;
    made.remember_effects(Ring::try_new(remembered_switches)?);
    TABLE.with(|table| *table = made);
    let made = Ring::try_new(remembered_switches)?;
    TRACE.with(|ring| *ring = made);
    layout::publish();
    Some(())
}

/// Where the CPU is when nobody is ready. Called once, at the end of boot, on the boot stack.
/// `serve_input` is for what the tasks of the kernel left to be done, before it sleeps.
pub(crate) fn idle(serve_input: fn()) -> ! {
    // SAFETY: called once (this function is).
    let context = unsafe { TaskContext::boot(Pid::IDLE.0) };
    // SAFETY: no task has run.
    unsafe { switch::set_current(context) };
    IDLE.store(context, Ordering::Relaxed);
    loop {
        // Comes back when nobody is ready.
        carry_out(Why::Idle, rdtsc(), Table::decide);
        serve_input();
        // A wake-up between the look and the halt is not lost: interrupts are off until the `sti`
        // whose next instruction is the `hlt`.
        if TABLE.with(|table| table.ready() == 0) {
            let now = rdtsc();
            TABLE.with(|table| time::arm(table.next_due()));
            irq::wait_for_interrupt();
            IDLE_TICKS.store(idle_ticks() + rdtsc().wrapping_sub(now), Ordering::Relaxed);
        }
    }
}
