//! The moves of a task's life. Those that can change who runs answer with a [`Decision`].
//!
//! `now` is in ticks of the kernel's clock. A move that the life cycle does not have is a bug of
//! the kernel, not of a program, and panics with the verb and the state. Counters of 64 bits that
//! every switch moves wrap, so that no switch pays for a check: a tick each, it takes centuries.

use super::{NEVER, Table};
use crate::process::{ExitStatus, Pid, ProcState, WaitFor, WrongState};
use crate::sched::{Decision, Enter, Leave, Policy, Slot};
use crate::trace::{Deed, Effect};

impl<M> Table<M> {
    /// Embryo -> Ready.
    pub fn start(&mut self, slot: Slot, now: u64) {
        must(self.tasks[slot].state.start());
        self.enqueue(slot, Enter::Started, now);
        self.note(Deed::Started, self.on_the_cpu(), slot, now);
    }

    /// The running task lets the next one run.
    pub fn yield_now(&mut self, now: u64) -> Decision {
        if self.ready == 0 {
            return Decision::Stay;
        }
        let (me, ran) = self.stop_running(now);
        let task = &mut self.tasks[me];
        task.counters.voluntary = task.counters.voluntary.wrapping_add(1);
        must(task.state.pause());
        self.pass(me, Enter::Yielded, ran)
    }

    /// The timer ends the running task's slice.
    #[inline]
    pub fn slice_used_up(&mut self, now: u64) -> Decision {
        if self.ready == 0 || self.running().is_none() {
            return Decision::Stay;
        }
        let (me, ran) = self.stop_running(now);
        let task = &mut self.tasks[me];
        task.counters.forced = task.counters.forced.wrapping_add(1);
        must(task.state.pause());
        self.forced = self.forced.wrapping_add(1);
        self.pass(me, Enter::SliceUsedUp, ran)
    }

    /// The running task waits.
    pub fn block(&mut self, wait: WaitFor, now: u64) -> Decision {
        let (me, ran) = self.stop_running(now);
        let task = &mut self.tasks[me];
        task.counters.voluntary = task.counters.voluntary.wrapping_add(1);
        must(task.state.block(wait));
        self.policy.left(&mut self.tasks, me, Leave::Blocked, ran);
        match wait {
            WaitFor::Input => self.waiting_for_input.push_back(&mut self.tasks, me),
            WaitFor::Output => self.waiting_for_output.push_back(&mut self.tasks, me),
            WaitFor::Time(deadline) => self.sleepers.push(deadline, me),
            WaitFor::Child(_) | WaitFor::Work => {}
        }
        self.decide()
    }

    /// The running task has ended; its waiter, if it has one, is woken.
    pub fn exit(&mut self, status: ExitStatus, now: u64) -> Decision {
        let (me, ran) = self.stop_running(now);
        must(self.tasks[me].state.exit(status));
        self.policy.left(&mut self.tasks, me, Leave::Exited, ran);
        self.after_end(me, self[me].pid, now);
        self.decide()
    }

    /// Ends a task that is not running, wherever in its life it is.
    pub(super) fn end_other(&mut self, slot: Slot, status: ExitStatus, now: u64) {
        match self.tasks[slot].state {
            ProcState::Ready => {
                self.settle();
                self.policy.remove(&mut self.tasks, slot);
                self.ready -= 1;
            }
            ProcState::Blocked(wait) => self.stop_waiting(slot, wait),
            ProcState::Embryo | ProcState::Running | ProcState::Exited(_) => {}
        }
        must(self.tasks[slot].state.exit(status));
        let by = self.on_the_cpu();
        self.note(Deed::Killed, by, slot, now);
        self.after_end(slot, by, now);
    }

    /// Blocked -> Ready.
    pub fn wake(&mut self, slot: Slot, now: u64) {
        self.wake_by(self.on_the_cpu(), slot, now);
    }

    /// Blocked -> Ready, by the doing of `by`.
    pub(super) fn wake_by(&mut self, by: Pid, slot: Slot, now: u64) {
        if let ProcState::Blocked(wait) = self.tasks[slot].state {
            self.stop_waiting(slot, wait);
        }
        self.make_ready(by, slot, now);
    }

    /// The same for a task that is in no queue of those who wait.
    pub(super) fn make_ready(&mut self, by: Pid, slot: Slot, now: u64) {
        must(self.tasks[slot].state.wake());
        self.enqueue(slot, Enter::Woken, now);
        self.note(Deed::Woken, by, slot, now);
    }

    /// Wakes those who wait for input and of whom `chosen` says so.
    pub fn wake_input(&mut self, mut chosen: impl FnMut(&M) -> bool, now: u64) {
        let mut at = self.waiting_for_input.front();
        while let Some(slot) = at {
            at = self.waiting_for_input.after(&self.tasks, slot);
            if chosen(&self[slot].machine) {
                self.wake(slot, now);
            }
        }
    }

    /// Wakes everybody who waits for room in the output buffer, in the order they came.
    pub fn wake_output(&mut self, now: u64) {
        while let Some(slot) = self.waiting_for_output.front() {
            self.wake(slot, now);
        }
    }

    /// Wakes a kernel task that waits for work; one that is not waiting will see it anyway.
    pub fn wake_kernel_task(&mut self, pid: Pid, now: u64) {
        self.wake_kernel_task_by(self.on_the_cpu(), pid, now);
    }

    pub(super) fn wake_kernel_task_by(&mut self, by: Pid, pid: Pid, now: u64) {
        if let Some(slot) = self.find(pid)
            && self.tasks[slot].state == ProcState::Blocked(WaitFor::Work)
        {
            self.wake_by(by, slot, now);
        }
    }

    /// One more is ready, and one fewer when the policy has picked.
    #[inline]
    fn pass(&mut self, me: Slot, why: Enter, ran: u64) -> Decision {
        match self.policy.pass(&mut self.tasks, me, why, ran) {
            Some(pick) => {
                self.slice = pick.slice.unwrap_or(NEVER);
                Decision::SwitchTo(pick.task)
            }
            None => nobody_picked(),
        }
    }

    /// Who runs now that the CPU is free; [`Decision::Idle`] if nobody is ready.
    pub fn decide(&mut self) -> Decision {
        match self.policy.pick(&mut self.tasks) {
            Some(pick) => {
                self.ready -= 1;
                self.slice = pick.slice.unwrap_or(NEVER);
                Decision::SwitchTo(pick.task)
            }
            None => Decision::Idle,
        }
    }

    /// Puts `slot`, which was decided on, on the CPU; what it is resumed by.
    ///
    /// # Panics
    /// If it is not Ready: the policy picked something it must not.
    pub fn run(&mut self, slot: Slot, now: u64) -> usize {
        self.running = Some(slot);
        self.open_turns(slot);
        let task = &mut self.tasks[slot];
        if task.state.run().is_err() {
            self.wrong_pick(slot);
        }
        task.put_on_cpu(now);
        task.context
    }

    #[cold]
    fn wrong_pick(&self, slot: Slot) -> ! {
        let (policy, pid, state) = (self.policy_name(), self[slot].pid, self.tasks[slot].state);
        panic!("policy {policy} picked pid {pid}, which is {}", state.word())
    }

    /// The task that runs no longer, and for how long it did while somebody else was ready.
    #[inline]
    fn stop_running(&mut self, now: u64) -> (Slot, u64) {
        self.settle();
        let Some(me) = self.running.take() else { nobody_running() };
        let task = &mut self.tasks[me];
        task.take_off_cpu(now);
        let wanted = if self.ready == 0 { now } else { self.wanted.max(task.since) };
        (me, now.wrapping_sub(wanted))
    }

    fn enqueue(&mut self, slot: Slot, why: Enter, now: u64) {
        self.settle();
        if self.ready == 0 {
            self.wanted = now;
        }
        self.ready += 1;
        self.tasks[slot].entered = now;
        self.policy.enqueue(&mut self.tasks, slot, why, 0);
    }

    /// On whose time something happens that is not the end of the running task itself.
    pub(super) fn on_the_cpu(&self) -> Pid {
        self.running().map_or(Pid::IDLE, |slot| self[slot].pid)
    }

    fn note(&mut self, deed: Deed, by: Pid, on: Slot, time: u64) {
        let on = self[on].pid;
        self.effects.record(Effect { time, by, on, deed, cpu: 0 });
    }

    fn stop_waiting(&mut self, slot: Slot, wait: WaitFor) {
        match wait {
            WaitFor::Input => self.waiting_for_input.remove(&mut self.tasks, slot),
            WaitFor::Output => self.waiting_for_output.remove(&mut self.tasks, slot),
            WaitFor::Time(_) => self.sleepers.remove(slot),
            WaitFor::Child(_) | WaitFor::Work => {}
        }
    }
}

#[inline(always)]
fn must(moved: Result<(), WrongState>) {
    if let Err(WrongState { verb, state }) = moved {
        wrong_state(verb, state)
    }
}

#[cold]
fn wrong_state(verb: &'static str, state: ProcState) -> ! {
    panic!("process table: {verb} of a task that is {state:?}")
}

#[cold]
fn nobody_running() -> ! {
    panic!("process table: no task is running")
}

#[cold]
fn nobody_picked() -> ! {
    panic!("process table: the policy picks nobody of those who are ready")
}
