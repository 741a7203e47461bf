//! What the machine keeps for a task: kernel stack, saved context, share of an address space.
//!
//! A task's kernel stack carries everything the kernel needs to resume it; see the picture at
//! [`TaskContext`]. What is made here is given back by [`release_memory`], or by [`leave_space`] and the
//! collection of the status for a task that ends itself.

use core::ptr;

use orbital_abi::layout::PAGE_SIZE;
use orbital_arch::fpu;
use orbital_arch::frame::TrapFrame;
use orbital_arch::switch::{self, TaskContext};
use orbital_core::elf::Tls;
use orbital_core::pool::{Key, Pool};
use orbital_core::process::Pid;

use crate::memory;
use crate::memory::frames::Priority;
use crate::memory::kstack::{KernelStack, STACK_SIZE};
use crate::memory::space::{AddressSpace, StackRange};
use crate::sync::{Lock, Order};

/// What the tasks of one program share.
pub(crate) struct Program {
    /// Their memory.
    pub(crate) space: AddressSpace,
    /// What the thread-local storage of a further task starts with.
    pub(crate) tls: Option<Tls<'static>>,
}

/// Every program that runs.
pub(crate) static PROGRAMS: Lock<Pool<Program>> = Lock::new(Order::Spaces, Pool::empty());

/// Makes room for `max_spaces` address spaces. `None` if there is no memory for it.
pub(crate) fn init(max_spaces: usize) -> Option<()> {
    let made = Pool::try_new(max_spaces)?;
    PROGRAMS.with(|all| *all = made);
    Some(())
}

/// What the machine keeps for one task.
#[repr(C)]
pub(crate) struct Machine {
    /// The kernel stack, until the task has been taken apart.
    pub stack: Option<KernelStack>,
    /// Its program; tasks of the kernel have none.
    pub program: Option<Key>,
    /// The stack that `task_create` made, which goes when the task goes.
    pub(crate) user_stack: Option<StackRange>,
    /// The leader of the session it reads from.
    pub session: Pid,
    /// Until when it sleeps, in ticks, while a `sleep` call is under way; else 0.
    pub wake_at: u64,
}

impl Machine {
    /// The machine half of a task with a kernel stack and nothing on it; gives the share of the
    /// program back if there is no stack.
    pub(crate) fn try_new(
        program: Option<Key>,
        session: Pid,
        priority: Priority,
    ) -> Result<Self, Option<Key>> {
        match KernelStack::try_new(priority) {
            Some(stack) => {
                Ok(Self { stack: Some(stack), program, user_stack: None, session, wake_at: 0 })
            }
            None => Err(program),
        }
    }

    /// The machine half of a task of the kernel that will run `entry`.
    pub(crate) fn for_kernel(entry: extern "C" fn(usize) -> !) -> Option<Self> {
        let machine = Self::try_new(None, Pid::LAUNCHER, Priority::Reserved).ok()?;
        let root = memory::kernel::root();
        // SAFETY: the place lies at the top of the new stack, which nobody uses yet.
        unsafe { TaskContext::write_for_kernel(machine.context(), root, entry, 0) };
        Some(machine)
    }

    /// Makes it start in ring 3 with the registers of `frame`, on the page tables at `root`.
    pub(crate) fn start_at(&mut self, root: u64, frame: TrapFrame, fs_base: u64) {
        // SAFETY: the place lies at the top of the new stack, which nobody uses yet.
        unsafe { TaskContext::write_for_user(self.context(), root, frame, fs_base) };
    }

    /// Names the task for those who look at its context.
    pub(crate) fn set_id(&mut self, pid: Pid) {
        // SAFETY: written by one of the two above, in a stack that nobody uses yet.
        unsafe { (*self.context()).id = pid.0 };
    }

    /// Where the saved context lies; null once the task has been taken apart.
    pub(crate) fn context(&self) -> *mut TaskContext {
        self.stack.as_ref().map_or(ptr::null_mut(), context_of)
    }
}

/// Context and FPU image lie at the top of a kernel stack, the rest of which is below.
fn context_of(stack: &KernelStack) -> *mut TaskContext {
    let place = (stack.top() as usize - TaskContext::footprint()) & !(fpu::IMAGE_ALIGN - 1);
    ptr::with_exposed_provenance_mut(place)
}

/// Memory that exists because of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Usage {
    /// Pages of its program that are present; all its tasks share them.
    pub(crate) pages: u64,
    /// Those of them that other processes have too.
    pub(crate) pages_shared: u64,
    /// Bytes of page tables and kernel stack.
    pub(crate) kernel_bytes: u64,
}

impl Usage {
    /// Of `machine`.
    pub(crate) fn of(machine: &Machine) -> Self {
        let mut usage = Self::default();
        if machine.stack.is_some() {
            usage.kernel_bytes += STACK_SIZE;
        }
        if let Some(program) = &machine.program {
            PROGRAMS.with(|all| {
                let space = &all[program].space;
                usage.pages = space.pages();
                usage.pages_shared = space.shared_pages();
                usage.kernel_bytes += space.tables() * PAGE_SIZE;
            });
        }
        usage
    }

    /// Bytes that nobody else has.
    pub(crate) const fn bytes(self) -> u64 {
        (self.pages - self.pages_shared) * PAGE_SIZE + self.kernel_bytes
    }
}

/// Gives back everything a task holds but its place in the table. It must not be running on it.
pub(crate) fn release_memory(machine: &mut Machine) {
    unmap_user_stack(machine.program.as_ref(), machine.user_stack.take());
    release_program(machine.program.take());
    machine.stack = None;
}

/// Gives back the address space of the running task, which leaves it for the kernel's own.
pub(crate) fn leave_space(machine: &mut Machine) {
    unmap_user_stack(machine.program.as_ref(), machine.user_stack.take());
    let root = memory::kernel::root();
    // SAFETY: the context is in the running task's stack, and nothing else refers to it now.
    unsafe { (*switch::current()).cr3 = root };
    // SAFETY: the kernel's own tables map everything the kernel uses.
    unsafe { orbital_arch::cpu::load_cr3(root) };
    release_program(machine.program.take());
}

fn unmap_user_stack(program: Option<&Key>, stack: Option<StackRange>) {
    if let (Some(key), Some(stack)) = (program, stack) {
        PROGRAMS.with(|all| all[key].space.unmap_stack(stack));
    }
}

/// Gives back a share of a program.
pub(crate) fn release_program(program: Option<Key>) {
    if let Some(key) = program {
        // The space is taken apart after the pool's lock is free again.
        drop(PROGRAMS.with(|all| all.release(key)));
    }
}
