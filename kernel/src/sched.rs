//! Carries out what the process table decides: the only caller of the switch routine.
//!
//! Every path that may change who runs ends in [`carry_out`], which checks by name what must hold
//! before stacks change, records the switch, and switches. [`idle`] is where the CPU is when nobody
//! is ready: the boot context, which belongs to no process.

use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use orbital_abi::records::WHY;
use orbital_abi::sched::QUANTUM_DEFAULT;
use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_arch::irq;
use orbital_arch::switch::{TaskContext, switch};
use orbital_core::process::{ExitStatus, Pid, ProcState, WaitFor};
use orbital_core::sched::{AnyPolicy, Decision, Settings, Slot};
use orbital_core::table::Table;
use orbital_core::trace::{Event, Ring, Why};

use crate::process::{self, Machine};
use crate::sync::{self, Lock, Order};
use crate::{boot, console, debug, memory, terminal, time};

/// All processes.
pub(crate) static TABLE: Lock<Table<Machine>> = Lock::new(Order::Table, Table::empty());

/// The last switches.
pub(crate) static TRACE: Lock<Ring> = Lock::new(Order::Trace, Ring::empty());

/// The context of whoever is on the CPU; null until [`idle`] is entered.
static CURRENT: AtomicPtr<TaskContext> = AtomicPtr::new(core::ptr::null_mut());

/// The pid of whoever is on the CPU; [`Pid::IDLE`] when nobody is.
static CURRENT_PID: AtomicU64 = AtomicU64::new(Pid::IDLE.0);

/// The context of [`idle`].
static IDLE: AtomicPtr<TaskContext> = AtomicPtr::new(core::ptr::null_mut());

/// Ticks that the CPU was halted in [`idle`].
static IDLE_TICKS: AtomicU64 = AtomicU64::new(0);

/// The quantum in force.
static QUANTUM_NANOS: AtomicU64 = AtomicU64::new(QUANTUM_DEFAULT);

/// The running process. Only for code that runs on behalf of one.
#[inline]
pub(crate) fn running(table: &Table<Machine>) -> Slot {
    match table.running() {
        Some(slot) => slot,
        None => panic!("no process is running"),
    }
}

/// The running process lets the next one run.
#[inline]
pub(crate) fn yield_now() {
    let now = rdtsc();
    carry_out(TABLE.with(|table| table.yield_now(now)), Why::Yielded, now);
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
    carry_out(TABLE.with(|table| table.block(wait, now)), why, now);
}

/// Something may be due: wakes the sleepers whose moment has come, and in ring 3 takes the CPU from
/// a process whose slice is used up, if somebody else is ready.
pub(crate) fn tick(in_ring_3: bool) {
    let now = rdtsc();
    let decision = TABLE.with(|table| {
        table.wake_due(now);
        if in_ring_3 && table.slice_is_over(now) {
            table.slice_used_up(now)
        } else {
            time::arm(table.next_due());
            Decision::Stay
        }
    });
    carry_out(decision, Why::SliceUsedUp, now);
}

/// Chooses policy and quantum; both as the kernel's other parts name them.
pub(crate) fn set_policy(name: &str, quantum_nanos: u64, seed: u64) -> bool {
    let settings = Settings { quantum: time::nanos_to_ticks(quantum_nanos).max(1), seed };
    let Some(policy) = AnyPolicy::by_name(name, &settings) else { return false };
    QUANTUM_NANOS.store(quantum_nanos, Ordering::Relaxed);
    let slice = (name != AnyPolicy::NAMES[0]).then_some(settings.quantum);
    TABLE.with(|table| {
        table.set_policy(policy, slice, rdtsc());
        time::arm(table.next_due());
    });
    true
}

/// The quantum in force, in nanoseconds.
pub(crate) fn quantum_nanos() -> u64 {
    QUANTUM_NANOS.load(Ordering::Relaxed)
}

/// How long the CPU was halted because nobody was ready, in ticks.
pub(crate) fn idle_ticks() -> u64 {
    IDLE_TICKS.load(Ordering::Relaxed)
}

/// The running process ends.
pub(crate) fn exit(status: ExitStatus) -> ! {
    let (pid, name) = TABLE.with(|table| {
        let slot = running(table);
        process::leave_space(table[slot].machine_mut());
        (table[slot].pid(), *table[slot].name())
    });
    announce_end(pid, name.as_str(), status);
    let why = match status {
        ExitStatus::Exited(_) => Why::Exited,
        _ => Why::Killed,
    };
    let now = rdtsc();
    carry_out(TABLE.with(|table| table.exit(status, now)), why, now);
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

/// Does what was decided. Returns when the process that called it runs again.
#[inline]
pub(crate) fn carry_out(decision: Decision, why: Why, now: u64) {
    let next = match decision {
        Decision::Stay => return,
        Decision::SwitchTo(slot) => TABLE.with(|table| {
            if let Err(wrong) = table.run(slot, now) {
                policy_error(table.policy_name(), table[slot].pid(), wrong.state.word());
            }
            time::arm(table.next_due());
            (table[slot].machine().context, table[slot].pid())
        }),
        Decision::Idle => (IDLE.load(Ordering::Relaxed), Pid::IDLE),
    };
    switch_to(next.0, next.1, why, now);
}

#[inline]
fn switch_to(next: *mut TaskContext, next_pid: Pid, why: Why, now: u64) {
    let previous = CURRENT.load(Ordering::Relaxed);
    if previous == next {
        return;
    }
    assert!(!irq::enabled(), "switch: interrupts are on");
    assert!(sync::nothing_held(), "switch: a lock is held");
    let from = Pid(CURRENT_PID.load(Ordering::Relaxed));
    // SAFETY: whoever is on the CPU has a context, and its fields are only written by the switch.
    let rip = unsafe { (*previous).user_rip() };
    TRACE.with(|ring| {
        ring.record(Event { time: now, rip, from, to: next_pid, why, cpu: 0 });
    });
    CURRENT.store(next, Ordering::Relaxed);
    CURRENT_PID.store(next_pid.0, Ordering::Relaxed);
    debug::switching(from.0, next_pid.0);
    // SAFETY: interrupts are off and no lock is held; `previous` is the running context and `next`
    // one that was switched out or never ran, because the table said Ready and now says Running.
    #[expect(clippy::disallowed_methods, reason = "the one caller")]
    unsafe {
        switch(previous, next);
    }
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
    publish_layout();
    Some(())
}

/// Where the CPU is when nobody is ready. Called once, at the end of boot, on the boot stack.
/// `serve_input` is for what the tasks of the kernel left to be done, before it sleeps.
pub(crate) fn idle(serve_input: fn()) -> ! {
    let mut context = TaskContext::empty();
    let context = &raw mut context;
    IDLE.store(context, Ordering::Relaxed);
    CURRENT.store(context, Ordering::Relaxed);
    loop {
        let now = rdtsc();
        match TABLE.with(Table::decide) {
            // A wake-up between the look and the halt is not lost: interrupts are off until the
            // `sti` whose next instruction is the `hlt`.
            Decision::Idle => {
                TABLE.with(|table| time::arm(table.next_due()));
                irq::wait_for_interrupt();
                IDLE_TICKS.store(idle_ticks() + rdtsc().wrapping_sub(now), Ordering::Relaxed);
            }
            decision => carry_out(decision, Why::Idle, now),
        }
        serve_input();
    }
}

/// Fills the debugger's offset table: the process table, the trace, the contexts, who runs.
fn publish_layout() {
    let own = [
        ("machine.context", offset_of!(Machine, context)),
        ("machine.session", offset_of!(Machine, session)),
        ("current.context", (&raw const CURRENT).addr()),
        ("current.pid", (&raw const CURRENT_PID).addr()),
        ("idle.context", (&raw const IDLE).addr()),
        ("quantum.nanos", (&raw const QUANTUM_NANOS).addr()),
        ("stack.size", memory::kstack::STACK_SIZE as usize),
        ("stack.stride", memory::kstack::PLACE_SIZE as usize),
        ("stack.region", memory::kernel::STACKS as usize),
        ("memory.window", memory::frames::WINDOW.pointer::<u8>(0).addr()),
    ];
    for (name, value) in own.into_iter().chain(TaskContext::layout()).chain(TrapFrame::layout()) {
        debug::publish(name, value as u64);
    }
    for (name, value) in debug::ORBITAL_DEBUG_BREAK.layout().into_iter().chain(time::layout()) {
        debug::publish(name, value);
    }
    TABLE.with(|table| table.layout().for_each(|(name, value)| debug::publish(name, value)));
    TRACE.with(|ring| ring.layout().for_each(|(name, value)| debug::publish(name, value)));
    debug::publish_words("why", WHY);
    debug::publish_words("status", ProcState::WORDS);
    debug::publish_words("wait", WaitFor::WORDS);
    debug::publish_words("end", ExitStatus::WORDS);
    debug::publish_words("policy", AnyPolicy::NAMES);
    debug::publish_end();
}

#[cold]
fn policy_error(policy: &str, pid: Pid, state: &str) -> ! {
    panic!("policy {policy} picked pid {pid}, which is {state}")
}
