//! [`TaskContext`]: what a suspended task leaves behind, and how one is made that never ran.

use core::arch::global_asm;
use core::cell::{Cell, UnsafeCell};
use core::mem::offset_of;
use core::ptr::null_mut;

use super::super::frame::TrapFrame;
use super::super::segments::Selectors;
use super::super::{cpu, entry, fpu};
use super::{resume_at_exit, resume_in_kernel};

/// The suspended kernel side of a task, at the top of its kernel stack: the [`TrapFrame`] of an entry
/// from ring 3 ends where this begins, and its FPU image lies right behind.
///
/// ```text
///  high ┌──────────────────────┐
///       │ FPU image            │ ◄─ context + IMAGE
///       ├──────────────────────┤
///       │ TaskContext          │
///       ├──────────────────────┤ ◄─ context, TSS.RSP0 while the task runs
///       │ TrapFrame            │
///  low  │ frames of the kernel │
/// ```
///
/// Absent: rip is on the stack, as the return address of the switch; the caller-saved registers
/// are dead across a call; RFLAGS is the same in all of the kernel.
#[repr(C, align(64))]
pub struct TaskContext {
    pub(super) rbx: u64,
    pub(super) rbp: u64,
    pub(super) r12: u64,
    pub(super) r13: u64,
    pub(super) r14: u64,
    pub(super) r15: u64,
    pub(super) rsp: u64,
    /// Physical address of the page tables; of the running task, those in force.
    pub cr3: u64,
    /// Where the last instructions of a switch to it are: [`resume_in_kernel`] loads the registers
    /// above, [`resume_at_exit`] does not.
    pub(super) resume: u64,
    /// What the kernel calls the task; the switch does not look at it.
    pub id: u64,
    /// Another word of the kernel's, 0 at first: how many of the allocations that it makes for the
    /// task are left until one fails.
    pub fail_in: Cell<u64>,
    pub(in super::super) selectors: Selectors,
    /// 1 if a switch to or from the task is more than one of FPU state by XSAVE.
    pub(super) special: u32,
    /// 1 if it is suspended in the middle of the kernel, so that `resume` is [`resume_in_kernel`].
    pub(super) in_kernel: u32,
    /// Where the program's thread-local storage is, or 0; canonical.
    pub(in super::super) fs_base: u64,
    /// Where the frame of an entry from ring 3 ends: here. Null if there can be none.
    kernel_stack_top: *mut u8,
}

const _: () = assert!(
    offset_of!(TaskContext, r15) < 64,
    "the CFI of switch_context has one SLEB128 byte for each offset"
);
const _: () = assert!(
    offset_of!(TaskContext, special).is_multiple_of(8)
        && offset_of!(TaskContext, in_kernel) == offset_of!(TaskContext, special) + 4,
    "one word to look at"
);
const _: () = assert!(
    TaskContext::IMAGE.is_multiple_of(fpu::IMAGE_ALIGN),
    "the image behind a context is aligned as the context is"
);

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
    context: TaskContext::suspended(0, 0, 0),
    image: [0; fpu::MAX_SIZE],
}));

impl TaskContext {
    /// How far behind it its FPU image lies.
    pub(super) const IMAGE: usize = size_of::<Self>();

    /// Bytes of a context and its FPU image. Asks the CPU: remember the answer.
    #[must_use]
    pub fn footprint() -> usize {
        Self::IMAGE + fpu::image_size()
    }

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

    /// Offsets, by name, for debuggers that look at a context from outside.
    pub fn layout() -> impl Iterator<Item = (&'static str, usize)> {
        [
            ("context.rbx", offset_of!(Self, rbx)),
            ("context.rbp", offset_of!(Self, rbp)),
            ("context.r12", offset_of!(Self, r12)),
            ("context.r13", offset_of!(Self, r13)),
            ("context.r14", offset_of!(Self, r14)),
            ("context.r15", offset_of!(Self, r15)),
            ("context.rsp", offset_of!(Self, rsp)),
            ("context.cr3", offset_of!(Self, cr3)),
            ("context.resume", offset_of!(Self, resume)),
            ("context.id", offset_of!(Self, id)),
            // What `resume` holds where the six registers above are not saved.
            ("resume.at_exit", resume_at_exit as *const () as usize),
            ("context.stack_top", offset_of!(Self, kernel_stack_top)),
        ]
        .into_iter()
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
            ..Self::suspended(cr3, top_frame.addr() as u64, address(resume_at_exit))
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
            ..Self::suspended(cr3, rsp, address(resume_in_kernel))
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

    const fn suspended(cr3: u64, rsp: u64, resume: u64) -> Self {
        Self {
            rbx: 0,
            rbp: 0,
            r12: 0,
            r13: 0,
            r14: 0,
            r15: 0,
            rsp,
            cr3,
            resume,
            id: 0,
            fail_in: Cell::new(0),
            selectors: Selectors::NULL,
            special: 0,
            in_kernel: 0,
            fs_base: 0,
            kernel_stack_top: null_mut(),
        }
    }

    /// The context that lies where `frame`, which is one of an entry from ring 3, ends.
    #[inline]
    #[must_use]
    pub fn above(frame: *const TrapFrame) -> *const Self {
        frame.wrapping_add(1).cast()
    }

    /// Its FPU image.
    pub(super) fn image(&self) -> *mut u8 {
        (&raw const *self).wrapping_byte_add(Self::IMAGE).cast::<u8>().cast_mut()
    }

    /// Notes whether the switch to it has more to do than exchanging FPU state.
    pub(super) fn note_special(&mut self) {
        let plain = self.selectors.are_null() && self.fs_base == 0 && !fpu::is_legacy();
        self.special = u32::from(!plain);
    }

    /// Where the program was interrupted last; 0 for the kernel's own tasks.
    #[inline]
    #[must_use]
    pub fn user_rip(&self) -> u64 {
        if self.kernel_stack_top.is_null() {
            return 0;
        }
        // SAFETY: it is at the top of the task's own kernel stack, where every entry writes it.
        unsafe { (*self.kernel_stack_top.cast::<TrapFrame>().wrapping_sub(1)).rip }
    }
}

fn address(code: unsafe extern "C" fn()) -> u64 {
    code as usize as u64
}

/// Writes `to` where a `ret` with the returned rsp finds it.
///
/// # Safety
/// The 8 bytes below `sp` are writable, and `sp` is a multiple of 8.
unsafe fn push_return_address(sp: *mut u8, to: unsafe extern "C" fn()) -> u64 {
    let slot = sp.cast::<u64>().wrapping_sub(1);
    // SAFETY: passed on to the caller.
    unsafe { slot.write(address(to)) };
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
