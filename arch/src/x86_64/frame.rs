//! [`TrapFrame`]: all registers of an interrupted program, in one layout for system call,
//! exception and interrupt.
//!
//! `entry` builds it at the top of the task's kernel stack and hands it to the kernel in place;
//! it is never copied. What must stay true: the order of the fields is the order of the pushes in
//! `entry`, and the last five are what the CPU pushes (SDM vol. 3A, 6.14.2).

use core::mem::offset_of;

/// First address no program can own: nothing is ever mapped at or above it, so that the address
/// after a `syscall` is always canonical (CVE-2012-0217).
pub const USER_END: u64 = 0x7fff_ffff_f000;

/// What `vector` holds in a frame built by `syscall`: one above the last vector of the CPU.
pub const SYSCALL_VECTOR: u64 = 256;

/// Selector in `ss` of every frame from ring 3.
pub const USER_DATA_SELECTOR: u64 = 0x18 | 3;
/// Selector in `cs` of every frame from ring 3.
pub const USER_CODE_SELECTOR: u64 = 0x20 | 3;

/// RFLAGS bits that belong to the program: CF PF AF ZF SF TF DF OF NT AC ID.
pub const RFLAGS_USER: u64 = 0x24_4dd5;
/// RFLAGS bits that are always set in ring 3: IF, and the one that reads as 1.
pub const RFLAGS_FIXED: u64 = 0x202;

/// All registers of an interrupted program, lowest address first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "most fields are registers: their names say it")]
pub struct TrapFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    /// 0 to 255, or [`SYSCALL_VECTOR`].
    pub vector: u64,
    /// What the CPU pushed with the exception; 0 where it pushes nothing.
    pub error: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

const _: () = assert!(
    size_of::<TrapFrame>() == 22 * 8 && size_of::<TrapFrame>().is_multiple_of(16),
    "15 registers, vector, error, 5 words of the CPU; a multiple of 16 keeps the stack aligned"
);
const _: () = assert!(
    offset_of!(TrapFrame, rip) + 5 * 8 == size_of::<TrapFrame>(),
    "the CPU's five words end the frame"
);

impl TrapFrame {
    /// The frame of a task that has not run yet: it starts at `entry` with `arg` in `rdi`, its
    /// stack pointer at `stack` and every other register clear.
    ///
    /// It leaves by `iretq`, as `rcx` is not `rip`: after `sysretq` the program would find two
    /// registers that are not 0.
    #[must_use]
    pub const fn user(entry: u64, stack: u64, arg: u64) -> Self {
        Self {
            r15: 0,
            r14: 0,
            r13: 0,
            r12: 0,
            r11: 0,
            r10: 0,
            r9: 0,
            r8: 0,
            rbp: 0,
            rdi: arg,
            rsi: 0,
            rdx: 0,
            rcx: 0,
            rbx: 0,
            rax: 0,
            vector: 0,
            error: 0,
            rip: entry,
            cs: USER_CODE_SELECTOR,
            rflags: RFLAGS_FIXED,
            rsp: stack,
            ss: USER_DATA_SELECTOR,
        }
    }

    /// Size and offsets, by name, for debuggers that look at a frame from outside.
    pub fn layout() -> impl Iterator<Item = (&'static str, usize)> {
        [
            ("frame.size", size_of::<Self>()),
            ("frame.r15", offset_of!(Self, r15)),
            ("frame.r14", offset_of!(Self, r14)),
            ("frame.r13", offset_of!(Self, r13)),
            ("frame.r12", offset_of!(Self, r12)),
            ("frame.r11", offset_of!(Self, r11)),
            ("frame.r10", offset_of!(Self, r10)),
            ("frame.r9", offset_of!(Self, r9)),
            ("frame.r8", offset_of!(Self, r8)),
            ("frame.rbp", offset_of!(Self, rbp)),
            ("frame.rdi", offset_of!(Self, rdi)),
            ("frame.rsi", offset_of!(Self, rsi)),
            ("frame.rdx", offset_of!(Self, rdx)),
            ("frame.rcx", offset_of!(Self, rcx)),
            ("frame.rbx", offset_of!(Self, rbx)),
            ("frame.rax", offset_of!(Self, rax)),
            ("frame.vector", offset_of!(Self, vector)),
            ("frame.error", offset_of!(Self, error)),
            ("frame.rip", offset_of!(Self, rip)),
            ("frame.cs", offset_of!(Self, cs)),
            ("frame.rflags", offset_of!(Self, rflags)),
            ("frame.rsp", offset_of!(Self, rsp)),
            ("frame.ss", offset_of!(Self, ss)),
        ]
        .into_iter()
    }

    /// Whether a program was interrupted, not the kernel.
    #[must_use]
    pub const fn from_user(&self) -> bool {
        self.cs & 3 == 3
    }

    /// The number of the system call, all 64 bits of it.
    #[must_use]
    pub const fn syscall_number(&self) -> u64 {
        self.rax
    }

    /// The six argument words of a system call.
    #[must_use]
    pub const fn syscall_args(&self) -> [u64; 6] {
        [self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9]
    }

    /// Sets what the program finds in `rax`.
    pub const fn set_result(&mut self, result: u64) {
        self.rax = result;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_lie_in_the_order_they_are_pushed() {
        let fields = TrapFrame::layout().skip(1);
        assert!(fields.enumerate().all(|(i, (_, at))| at == i * 8));
    }

    #[test]
    fn a_new_program_starts_with_clear_registers_and_user_selectors() {
        let frame = TrapFrame::user(0x40_1000, 0x50_0000, 7);
        let expected = TrapFrame {
            rdi: 7,
            rip: 0x40_1000,
            cs: 0x23,
            rflags: 0x202,
            rsp: 0x50_0000,
            ss: 0x1b,
            ..TrapFrame::default()
        };
        assert_eq!(frame, expected);
        assert!(frame.from_user());
    }

    #[test]
    fn a_frame_of_the_kernel_is_not_from_user() {
        let frame = TrapFrame { cs: 0x08, ..TrapFrame::default() };
        assert!(!frame.from_user());
    }

    #[test]
    fn arguments_come_in_the_order_of_the_call_convention() {
        let frame = TrapFrame {
            rax: 99,
            rdi: 1,
            rsi: 2,
            rdx: 3,
            r10: 4,
            r8: 5,
            r9: 6,
            rcx: 100,
            ..TrapFrame::default()
        };
        assert_eq!(frame.syscall_number(), 99);
        assert_eq!(frame.syscall_args(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn no_privileged_flag_belongs_to_the_program() {
        const IOPL: u64 = 3 << 12;
        const RF_VM: u64 = 3 << 16;
        const VIF_VIP: u64 = 3 << 19;
        assert_eq!(RFLAGS_USER & (IOPL | RF_VM | VIF_VIP | RFLAGS_FIXED), 0);
    }
}
