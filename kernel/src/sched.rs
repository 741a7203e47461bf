//! Carries out what the process table decides: the only caller of the switch routine.
//!
//! Every path that may change who runs ends in [`carry_out`], which checks by name what must hold
//! before stacks change, records the switch, and switches. [`idle`] is where the CPU is when nobody
//! is ready: the boot context, which belongs to no process.

use core::mem::offset_of;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use orbital_abi::records::WHY;
use orbital_abi::sched::{POLICIES, QUANTUM_DEFAULT};
use orbital_arch::clock::rdtsc;
use orbital_arch::frame::TrapFrame;
use orbital_arch::irq;
use orbital_arch::switch::{TaskContext, switch, switch_at_exit};
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

/// The pid of whoever is on the CPU.
#[inline]
pub(crate) fn current_pid() -> Pid {
    Pid(CURRENT_PID.load(Ordering::Relaxed))
}

/// The running process lets the next one run.
#[inline]
pub(crate) fn yield_now() {
    let now = rdtsc();
    carry_out(Why::Yielded, now, |table| table.yield_now(now));
}

/// The same, for a process whose call is done.
#[inline]
pub(crate) fn yield_at_exit() {
    let now = rdtsc();
    carry_out_at_exit(Why::Yielded, now, |table| table.yield_now(now));
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

/// What the timer has fired too early for, if it has.
#[inline]
pub(crate) fn not_due_yet(now: u64) -> Option<u64> {
    assert!(sync::nothing_held(), "tick: a lock is held");
    // SAFETY: nothing is held, and looking takes no lock.
    unsafe { TABLE.with_alone(|table| table.next_due()) }.filter(|due| *due > now)
}

/// Something may be due: wakes the sleepers whose moment has come, and in ring 3 takes the CPU from a
/// process whose slice is used up, if somebody else is ready.
pub(crate) fn tick(in_ring_3: bool, now: u64) {
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

/// Chooses policy and quantum; both as the kernel's other parts name them.
pub(crate) fn set_policy(name: &str, quantum_nanos: u64, seed: u64) -> bool {
    let settings = Settings { quantum: time::nanos_to_ticks(quantum_nanos).max(1), seed };
    let Some(policy) = AnyPolicy::by_name(name, &settings) else { return false };
    QUANTUM_NANOS.store(quantum_nanos, Ordering::Relaxed);
    let slice = (name != POLICIES[0]).then_some(settings.quantum);
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

/// As [`carry_out`], for a process that has nothing left to do in the kernel: returns only if it
/// goes on at once.
#[inline]
fn carry_out_at_exit(why: Why, now: u64, decide: impl FnOnce(&mut Table<Machine>) -> Decision) {
    if let Some((previous, next)) = act(why, now, decide) {
        // SAFETY: as above; the kernel was entered from ring 3, and returning is all it would do.
        #[expect(clippy::disallowed_methods, reason = "one of the two callers")]
        unsafe {
            switch_at_exit(previous, next);
        }
    }
}

/// All of a switch but the switch: decides, checks by name what must hold, and records. Who is to
/// be suspended, and who resumed; nobody if the same process goes on.
#[inline(always)]
fn act(
    why: Why,
    now: u64,
    decide: impl FnOnce(&mut Table<Machine>) -> Decision,
) -> Option<(*mut TaskContext, *mut TaskContext)> {
    assert!(sync::nothing_held(), "switch: a lock is held");
    // SAFETY: nothing is held, and the table decides without taking a lock.
    let next = unsafe {
        TABLE.with_alone(|table| match decide(table) {
            Decision::Stay => None,
            Decision::SwitchTo(slot) => Some(put_on_cpu(table, slot, now)),
            Decision::Idle => Some((IDLE.load(Ordering::Relaxed), Pid::IDLE)),
        })
    };
    let (next, next_pid) = next?;
    let previous = CURRENT.load(Ordering::Relaxed);
    if previous == next {
        return None;
    }
    assert!(!irq::enabled(), "switch: interrupts are on");
    let from = Pid(CURRENT_PID.load(Ordering::Relaxed));
    // SAFETY: whoever is on the CPU has a context, and its fields are only written by the switch.
    let rip = unsafe { (*previous).user_rip() };
    let event = Event { time: now, rip, from, to: next_pid, why, cpu: 0 };
    // SAFETY: nothing is held, and a ring takes no lock.
    unsafe { TRACE.with_alone(|ring| ring.record(event)) };
    CURRENT.store(next, Ordering::Relaxed);
    CURRENT_PID.store(next_pid.0, Ordering::Relaxed);
    debug::switching(from.0, next_pid.0);
    // Interrupts are off and no lock is held; `previous` is the running context and `next` one that
    // was switched out or never ran, because the table said Ready and now says Running.
    Some((previous, next))
}

/// The task in `slot` is the one that runs.
#[inline(always)]
fn put_on_cpu(table: &mut Table<Machine>, slot: Slot, now: u64) -> (*mut TaskContext, Pid) {
    let Ok(process) = table.run(slot, now) else { policy_error(table, slot) };
    let next = (process.machine().context, process.pid());
    if !(table.nothing_is_due() && time::is_silent()) {
        time::arm(table.next_due());
    }
    next
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
    debug::publish_words("policy", POLICIES);
    debug::publish_end();
}

#[cold]
fn policy_error(table: &Table<Machine>, slot: Slot) -> ! {
    let (policy, process) = (table.policy_name(), &table[slot]);
    panic!("policy {policy} picked pid {}, which is {}", process.pid(), process.state().word())
}
