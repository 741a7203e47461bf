//! How a [`TaskContext`] is made: that of a task that has not run, as if a switch had suspended it, and
//! that of the code that runs before any task.

use core::arch::global_asm;
use core::cell::{Cell, UnsafeCell};
use core::ptr::null_mut;

use super::super::frame::TrapFrame;
use super::super::segments::Selectors;
use super::super::{cpu, entry, fpu};
use super::TaskContext;

/// The context of the code that ran before any task, which becomes the idle loop.
#[repr(C)]
struct Boot {
    context: TaskContext,
    image: [u8; fpu::MAX_SIZE],
}

struct BootCell(UnsafeCell<Boot>);

// SAFETY: one CPU; `boot` writes it once, then only switches use it.
unsafe impl Sync for BootCell {}

static BOOT: BootCell = BootCell(UnsafeCell::new(Boot {
    context: TaskContext::suspended(0, 0),
    image: [0; fpu::MAX_SIZE],
}));

impl TaskContext {
    /// The context of the code that runs now, before any task exists; switched away from first,
    /// which fills it in. There is one such context on a CPU.
    ///
    /// # Safety
    /// Call once.
    #[must_use]
    pub unsafe fn boot(id: u64) -> *mut Self {
        let boot = BOOT.0.get();
        // SAFETY: nobody uses it yet (caller).
        unsafe { (*boot).context.cr3 = cpu::read_cr3() };
        // SAFETY: as above.
        unsafe { (*boot).context.id = id };
        // SAFETY: as above.
        unsafe { (*boot).context.note_special() };
        boot.cast()
    }

    /// A task that has not run yet, and will start in ring 3 with the registers of `frame` and the
    /// FS base `fs_base`, which is canonical.
    ///
    /// ```text
    ///  high ┌──────────────────────┐ ◄─ place
    ///       │ frame                │    as if the kernel had been entered from ring 3
    ///       ├──────────────────────┤ ◄─ rsp
    ///       │ trap_exit            │    and its answer had just returned: for backtraces
    ///  low  └──────────────────────┘
    /// ```
    ///
    /// # Safety
    /// At `place` are [`footprint`](Self::footprint) writable bytes, aligned to
    /// [`IMAGE_ALIGN`](fpu::IMAGE_ALIGN), and below it a writable stack, all of them the task's own
    /// and so while it lives. `cr3` is a page table that maps the kernel, and `frame` came from
    /// [`TrapFrame::user`].
    pub unsafe fn write_for_user(place: *mut Self, cr3: u64, frame: TrapFrame, fs_base: u64) {
        let top_frame = place.cast::<TrapFrame>().wrapping_sub(1);
        // SAFETY: inside the stack, and aligned (caller).
        unsafe { top_frame.write(frame) };
        // SAFETY: there is room below the frame.
        unsafe { push_return_address(top_frame.cast(), entry::trap_exit) };
        let context = Self {
            fs_base,
            kernel_stack_top: place.cast(),
            ..Self::suspended(cr3, top_frame.addr() as u64)
        };
        // SAFETY: passed on to the caller.
        unsafe { context.put(place) };
    }

    /// A task that has not run yet, and will start in the kernel with `entry(arg)`.
    ///
    /// It has an FPU image too, as every task: kernel code never touches the FPU, but a switch
    /// without a special case is the cheaper one.
    ///
    /// # Safety
    /// As [`TaskContext::write_for_user`]; `entry` copes with interrupts off.
    pub unsafe fn write_for_kernel(
        place: *mut Self,
        cr3: u64,
        entry: extern "C" fn(usize) -> !,
        arg: usize,
    ) {
        // SAFETY: inside the stack, and aligned (caller).
        let rsp = unsafe { push_return_address(place.cast(), kernel_task_entry) };
        let context = Self {
            r12: entry as usize as u64,
            r13: arg as u64,
            in_kernel: 1,
            ..Self::suspended(cr3, rsp)
        };
        // SAFETY: passed on to the caller.
        unsafe { context.put(place) };
    }

    /// Writes it where it is to lie, and the image of a task that has not run behind it.
    ///
    /// # Safety
    /// As [`TaskContext::write_for_user`].
    unsafe fn put(mut self, place: *mut Self) {
        self.note_special();
        // SAFETY: writable and aligned (caller).
        unsafe { place.write(self) };
        // SAFETY: as above.
        unsafe { fpu::write_initial_image(place.wrapping_byte_add(Self::IMAGE).cast()) };
    }

    const fn suspended(cr3: u64, rsp: u64) -> Self {
        Self {
            rbx: 0,
            rbp: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            rsp,
            cr3,
            id: 0,
            fail_in: Cell::new(0),
            selectors: Selectors::NULL,
            special: 0,
            in_kernel: 0,
            fs_base: 0,
            kernel_stack_top: null_mut(),
        }
    }
}

/// Writes `to` where a `ret` with the returned rsp finds it.
///
/// # Safety
/// The 8 bytes below `sp` are writable, and `sp` is a multiple of 8.
unsafe fn push_return_address(sp: *mut u8, to: unsafe extern "C" fn()) -> u64 {
    let slot = sp.cast::<u64>().wrapping_sub(1);
    // SAFETY: passed on to the caller.
    unsafe { slot.write(to as usize as u64) };
    slot.addr() as u64
}

unsafe extern "C" {
    fn kernel_task_entry();
}

// Where a kernel task begins: `for_kernel` left its function in r12 and the argument in r13. A
// backtrace ends here. An unwinder looks one byte before a return address, hence the `nop`: it is
// never executed, and its name is what a debugger shows below a task that has not run.
global_asm!(
    ".pushsection .text.kernel_task_entry, \"ax\", @progbits",
    ".cfi_startproc",
    ".cfi_undefined rip",
    ".type kernel_task_not_started, @function",
    "kernel_task_not_started:",
    "nop",
    ".size kernel_task_not_started, . - kernel_task_not_started",
    ".globl kernel_task_entry",
    ".type kernel_task_entry, @function",
    "kernel_task_entry:",
    "mov rdi, r13",
    "call r12",
    "ud2",
    ".cfi_endproc",
    ".size kernel_task_entry, . - kernel_task_entry",
    ".popsection",
);
