//! From the kernel's first instruction in a program to its `main`: [`entry!`](crate::entry), [`Args`].
//!
//! A program starts with the stack that the System V psABI draws (AMD64 supplement, section 3.4.1):
//!
//! ```text
//! rsp ─► argc │ argv[0] .. argv[argc - 1] │ 0 │ envp[0] .. │ 0 │ (type, value) .. │ (0, 0)
//! ```
//!
//! rsp is a multiple of 16, every other general register is 0. All of it stays where it is for the
//! life of the program, so everything read from it is `'static`.

use core::ffi::{CStr, c_char};
use core::iter;

/// Makes `main`, a `fn(Args) -> i64`, the program's entry point.
///
/// `_start` is the root of every backtrace: it tells unwinders that it has no caller.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        /// Where the kernel starts the program; hands the initial stack to `main`.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        extern "C" fn _start() -> ! {
            extern "C" fn enter(stack: *const u64) -> ! {
                const MAIN: fn($crate::Args) -> i64 = $main;
                // SAFETY: `stack` is rsp as the kernel set it for the program's first instruction.
                let args = unsafe { $crate::Args::from_initial_stack(stack) };
                $crate::process::exit(MAIN(args))
            }
            core::arch::naked_asm!(
                ".cfi_startproc",
                ".cfi_undefined rip",
                "xor ebp, ebp",
                "mov rdi, rsp",
                "call {enter}",
                "ud2",
                ".cfi_endproc",
                enter = sym enter,
            )
        }
    };
}

/// What a program was started with. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Args {
    stack: *const u64,
}

impl Args {
    /// Reads the arguments from where the kernel put them.
    ///
    /// # Safety
    ///
    /// `stack` must be the value of rsp at the program's first instruction, on an Orbital kernel.
    #[must_use]
    pub const unsafe fn from_initial_stack(stack: *const u64) -> Self {
        Self { stack }
    }

    /// How many arguments there are, the program's name included.
    #[must_use]
    pub fn count(self) -> usize {
        // SAFETY: the word at rsp is argc, by the contract of `from_initial_stack`.
        let argc = unsafe { self.stack.read() };
        usize::try_from(argc).unwrap_or(0)
    }

    /// The argument at `index`, the program's name being number 0. One that is not UTF-8 reads as
    /// the replacement character.
    #[must_use]
    pub fn get(self, index: usize) -> Option<&'static str> {
        if index >= self.count() {
            return None;
        }
        Some(self.string(1 + index))
    }

    /// The argument at `index` as a decimal number.
    #[must_use]
    pub fn number(self, index: usize) -> Option<u64> {
        self.get(index)?.parse().ok()
    }

    /// The arguments after the program's name.
    pub fn rest(self) -> impl Iterator<Item = &'static str> {
        (1..).map_while(move |index| self.get(index))
    }

    /// The environment, as `NAME=value`.
    pub fn environment(self) -> impl Iterator<Item = &'static str> {
        let first = self.environment_index();
        (first..)
            .take_while(move |&index| self.word(index) != 0)
            .map(move |index| self.string(index))
    }

    /// The auxiliary vector, as (type, value), without its terminator.
    pub fn auxiliary(self) -> impl Iterator<Item = (u64, u64)> {
        let mut index = self.environment_index() + self.environment().count() + 1;
        iter::from_fn(move || {
            let entry = (self.word(index), self.word(index + 1));
            index += 2;
            (entry.0 != 0).then_some(entry)
        })
        .fuse()
    }

    /// The word of the initial stack where the environment begins.
    fn environment_index(self) -> usize {
        1 + self.count() + 1
    }

    /// A word of the initial stack; callers stay at or below the terminator of each list.
    fn word(self, index: usize) -> u64 {
        // SAFETY: callers only pass indices up to the terminator of each list, and the kernel
        // terminates all three, so the word is part of the initial stack.
        let word = unsafe { self.stack.add(index) };
        // SAFETY: as above; the kernel writes every word of it and aligns it to 16.
        unsafe { word.read() }
    }

    /// The string that a non-zero word of the initial stack points to.
    fn string(self, index: usize) -> &'static str {
        let pointer: *const c_char = core::ptr::with_exposed_provenance(self.word_address(index));
        // SAFETY: the kernel makes argument pointers point at NUL-terminated strings on the stack,
        // which nobody changes while the program runs.
        let string = unsafe { CStr::from_ptr(pointer) };
        string.to_str().unwrap_or("\u{fffd}")
    }

    /// A word of the initial stack that is an address.
    fn word_address(self, index: usize) -> usize {
        usize::try_from(self.word(index)).unwrap_or(0)
    }
}
