//! Who called whom, from the unwind tables in the kernel's own image.
//!
//! [`walk`] follows `.eh_frame` (DWARF 5, section 6.4; System V psABI, section 4.2.4) from its
//! caller outwards, through Rust and through the hand-written entry code alike, until it reaches a
//! frame the tables do not know: the program that made the call, or the end of the stack. It takes
//! no lock and allocates nothing, so that a panic can use it.

use core::arch::naked_asm;

use gimli::{
    BaseAddresses, CfaRule, EhFrame, LittleEndian, Register, RegisterRule, UnwindContext,
    UnwindContextStorage, UnwindSection, UnwindTableRow,
};

/// Frames that are followed at most.
const DEPTH: usize = 64;

/// DWARF numbers of the registers (psABI figure 3.36).
const RBX: usize = 3;
const RBP: usize = 6;
const RSP: usize = 7;
const R12: usize = 12;
const RETURN_ADDRESS: usize = 16;
const REGISTERS: usize = 17;

/// Register values by DWARF number.
#[derive(Clone, Copy)]
#[repr(C)]
struct Registers([u64; REGISTERS]);

/// One frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The instruction: of a call, the one it returns to.
    pub rip: u64,
    /// Its stack pointer.
    pub rsp: u64,
}

/// Calls `visit` for each frame from the caller's outwards.
///
/// # Safety
/// `eh_frame` is the kernel's own section, where the linker put it, and the stack is as the
/// compiler made it.
#[inline(never)]
pub unsafe fn walk(eh_frame: &'static [u8], visit: &mut dyn FnMut(Frame)) {
    let mut registers = Registers([0; REGISTERS]);
    // SAFETY: the argument is a register file to fill.
    unsafe { capture(&raw mut registers) };
    let bases = BaseAddresses::default().set_eh_frame(eh_frame.as_ptr() as u64);
    let section = EhFrame::new(eh_frame, LittleEndian);
    let mut context = UnwindContext::<usize, OnStack>::new_in();
    for _ in 0..DEPTH {
        let [rip, rsp] = [registers.0[RETURN_ADDRESS], registers.0[RSP]];
        visit(Frame { rip, rsp });
        // A return address may be the first byte behind its function.
        let Ok(row) = section.unwind_info_for_address(
            &bases,
            &mut context,
            rip.wrapping_sub(1),
            EhFrame::cie_from_offset,
        ) else {
            return;
        };
        // SAFETY: the row describes this frame, whose stack is intact (caller).
        match unsafe { caller_of(&registers, row) } {
            Some(caller) => registers = caller,
            None => return,
        }
    }
}

/// The registers of the frame that called the one with `registers`.
///
/// # Safety
/// `row` is the table row for that frame.
unsafe fn caller_of(
    registers: &Registers,
    row: &UnwindTableRow<usize, OnStack>,
) -> Option<Registers> {
    let CfaRule::RegisterAndOffset { register, offset } = row.cfa() else { return None };
    let cfa = registers.get(*register)?.wrapping_add_signed(*offset);
    let mut caller = *registers;
    caller.0[RSP] = cfa;
    for (register, rule) in row.registers() {
        let Some(place) = caller.0.get_mut(usize::from(register.0)) else { continue };
        *place = match rule {
            RegisterRule::Undefined if usize::from(register.0) == RETURN_ADDRESS => return None,
            RegisterRule::Undefined => 0,
            // SAFETY: the row says that the register was saved there.
            RegisterRule::Offset(at) => unsafe { read(cfa.wrapping_add_signed(*at))? },
            RegisterRule::ValOffset(at) => cfa.wrapping_add_signed(*at),
            RegisterRule::Register(from) => registers.get(*from)?,
            RegisterRule::SameValue => *place,
            _ => return None,
        };
    }
    Some(caller)
}

impl Registers {
    fn get(&self, register: Register) -> Option<u64> {
        self.0.get(usize::from(register.0)).copied()
    }
}

/// Reads a word of a kernel stack; nothing below the upper half, nothing misaligned.
///
/// # Safety
/// An address in the upper half is mapped.
unsafe fn read(address: u64) -> Option<u64> {
    let is_kernel = address >> 47 == 0x1_ffff && address.is_multiple_of(8);
    // SAFETY: as the caller promises.
    is_kernel.then(|| unsafe { (address as *const u64).read() })
}

/// Fills the register file as its caller has it when this returns.
#[unsafe(naked)]
unsafe extern "C" fn capture(registers: *mut Registers) {
    naked_asm!(
        ".cfi_startproc",
        "mov [rdi + {rbx}], rbx",
        "mov [rdi + {rbp}], rbp",
        "mov [rdi + {r12}], r12",
        "mov [rdi + {r12} + {word}], r13",
        "mov [rdi + {r12} + 2 * {word}], r14",
        "mov [rdi + {r12} + 3 * {word}], r15",
        "lea rax, [rsp + {word}]",
        "mov [rdi + {rsp}], rax",
        "mov rax, [rsp]",
        "mov [rdi + {rip}], rax",
        "ret",
        ".cfi_endproc",
        rbx = const RBX * size_of::<u64>(),
        rbp = const RBP * size_of::<u64>(),
        rsp = const RSP * size_of::<u64>(),
        r12 = const R12 * size_of::<u64>(),
        rip = const RETURN_ADDRESS * size_of::<u64>(),
        word = const size_of::<u64>(),
    )
}

/// Room for the rules of one frame, on the stack.
struct OnStack;

impl UnwindContextStorage<usize> for OnStack {
    type Rules = [(Register, RegisterRule<usize>); 24];
    type Stack = [UnwindTableRow<usize, Self>; 3];
}
