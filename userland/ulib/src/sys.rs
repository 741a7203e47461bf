//! The system calls as the kernel sees them: one stub per row of the table in `orbital_abi`.
//!
//! A stub loads `rax` and the argument registers, executes `syscall`, and returns `rax` unchanged.
//! The kernel changes `rax`, `rcx` and `r11` and nothing else, and never touches the caller's stack;
//! the clobbers below say just that. [`check`] turns a raw result into a `Result`. [`syscall`] makes
//! any call at all, also those the kernel does not have.

use core::arch::{asm, naked_asm};

use orbital_abi::Errno;

macro_rules! stubs {
    ($($number:literal $variant:ident $name:ident($($arg:ident: $type:ty),*) [$($error:ident),*]
        $doc:literal;)*) => {
        $(
            #[doc = $doc]
            ///
            /// # Safety
            ///
            /// Memory that the call writes or unmaps must be the caller's to lose, and an address
            /// it starts running at must be code that upholds the rules of Rust.
            #[inline(always)]
            pub unsafe fn $name($($arg: $type),*) -> i64 {
                syscall_instruction!($number $(, $arg)*)
            }
        )*
    };
}

macro_rules! syscall_instruction {
    ($number:literal) => {
        syscall_instruction!(@ $number,)
    };
    ($number:literal, $a:ident) => {
        syscall_instruction!(@ $number, in("rdi") $a,)
    };
    ($number:literal, $a:ident, $b:ident) => {
        syscall_instruction!(@ $number, in("rdi") $a, in("rsi") $b,)
    };
    ($number:literal, $a:ident, $b:ident, $c:ident) => {
        syscall_instruction!(@ $number, in("rdi") $a, in("rsi") $b, in("rdx") $c,)
    };
    ($number:literal, $a:ident, $b:ident, $c:ident, $d:ident) => {
        syscall_instruction!(@ $number, in("rdi") $a, in("rsi") $b, in("rdx") $c, in("r10") $d,)
    };
    (@ $number:literal, $($operands:tt)*) => {{
        let result: i64;
        // SAFETY: the kernel preserves every register not listed, and the caller of the stub
        // answers for the memory and code that the arguments name.
        unsafe {
            asm!(
                "syscall",
                inlateout("rax") $number as i64 => result,
                $($operands)*
                lateout("rcx") _,
                lateout("r11") _,
                options(nostack),
            );
        }
        result
    }};
}

orbital_abi::for_each_call!(stubs);

/// Makes the call `number` with all six argument registers as given; an ordinary function that a
/// debugger can break on.
///
/// # Safety
///
/// As for the stub of that call.
#[unsafe(naked)]
#[unsafe(export_name = "syscall")]
pub unsafe extern "C" fn syscall(
    number: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    r10: u64,
    r8: u64,
    r9: u64,
) -> i64 {
    // C passes the number and five arguments in rdi rsi rdx rcx r8 r9, the sixth on the stack
    // above the return address; the kernel wants rax, rdi rsi rdx r10 r8 r9.
    naked_asm!(
        ".cfi_startproc",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "mov r10, r8",
        "mov r8, r9",
        "mov r9, [rsp + {return_address}]",
        "syscall",
        "ret",
        ".cfi_endproc",
        return_address = const size_of::<u64>(),
    )
}

/// The lowest value of `rax` that means an error (the range is closed at -1).
const LOWEST_ERROR: i64 = -4095;

/// Tells a result from an error. A code that this library has no name for reads as `Error`.
///
/// # Errors
///
/// The error that `raw` stands for.
#[inline]
pub fn check(raw: i64) -> Result<u64, Errno> {
    match raw {
        LOWEST_ERROR..=-1 => Err(Errno::from_code(raw).unwrap_or(Errno::Error)),
        value => Ok(value.cast_unsigned()),
    }
}
