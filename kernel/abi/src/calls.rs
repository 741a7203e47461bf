//! The table of system calls: numbers, names, arguments, once for both sides.
//!
//! [`for_each_call`](crate::for_each_call) hands the table to a macro of the caller's. The kernel
//! makes its typed `Syscall` from it, `ulib` its stubs, and [`Sysno`] below is made from it too.
//!
//! Numbers from 0 on are what programs live by; those from 90 on let them look at the kernel. Numbers
//! are never used again.
//!
//! `CALLS.md` beside the crate's sources shows it as a page.
//!
//! Calling convention: number in `rax`; arguments in `rdi rsi rdx r10 r8 r9`; result in `rax`;
//! `rcx` and `r11` are clobbered by the instruction, every other register is preserved.

use crate::Errno;

/// Calls `$callback!` with one row per system call:
/// `number Variant name(argument: type, ...) [error, ...] "what it does";`.
#[macro_export]
macro_rules! for_each_call {
    ($callback:path) => {
        $callback! {
            0 Hello hello(magic: u64) [Invalid]
                "Returns 0xDEADBEEF for 0xCAFEBABE, else Invalid.";
            1 Log log(ptr: u64, len: u64) [Invalid, Fault]
                "Writes one line to the kernel log; returns len. Length 0 or above 4096: Invalid.";
            2 Write write(fd: u64, ptr: u64, len: u64) [BadFd, Invalid, Fault]
                "Writes to fd 1 or 2; returns len. BadFd first; length 0 or above 4096: Invalid.";
            3 Exit exit(code: i64) []
                "Ends the calling task; never returns.";
            4 Read read(fd: u64, ptr: u64, len: u64) [BadFd, Fault]
                "Reads from fd 0; blocks until a line or end of input (0) is there. Length 0 returns 0.";
            5 TaskCreate task_create(entry: u64, arg: u64) [Fault, Error]
                "Starts a task at entry(arg) in the caller's address space; returns its pid.";
            6 TaskWait task_wait(pid: u64, status_ptr: u64) [Invalid, Fault, PermissionDenied, NotFound]
                "Blocks until the task has ended. Null pointer: returns its code; else stores it (i64), returns pid.";
            7 Getpid getpid() []
                "Returns the caller's pid.";
            8 Ps ps(ptr: u64, len: u64) [Fault]
                "Writes the process table as text; whole lines that fit; returns the bytes written.";
            9 Uptime uptime() []
                "Returns whole seconds since boot.";
            10 ClearScreen clear_screen() []
                "Clears the screen and the serial terminal.";
            11 RunReady run_ready() []
                "Lets every task that is ready now run once; returns how many.";
            12 Yield yield_now() []
                "Lets the next ready task run; returns 0.";
            13 Spawn spawn(path: u64, path_len: u64, argv: u64, argv_len: u64) [Invalid, Fault, NotFound, Error]
                "Starts a program of the ramdisk; argv is a block of NUL-terminated strings; returns its pid.";
            14 Kill kill(pid: u64) [PermissionDenied, NotFound]
                "Ends a descendant; returns 0.";
            15 Sleep sleep(nanos: u64) []
                "Blocks for at least that many nanoseconds; returns 0.";
            16 Clock clock() []
                "Returns nanoseconds since boot; never goes back.";
            17 Map map(len: u64, rights: u64) [Invalid, Error]
                "Maps zeroed anonymous memory; returns its address.";
            18 Unmap unmap(addr: u64, len: u64) [Invalid]
                "Unmaps whole pages that `map` returned; returns 0.";
            19 Sched sched(operation: u64, value: u64, pid: u64) [Invalid, PermissionDenied, NotFound]
                "Asks for, or sets, the scheduling policy and quantum, or a task's weight: see `sched`.";
            20 Stats stats(pid: u64, ptr: u64) [Fault, NotFound]
                "Stores the counters of a task as a Stats record; returns 0.";
            90 System system(ptr: u64) [NotImplemented, Fault]
                "Stores what the kernel knows of the whole machine as a System record; returns 0.";
            91 Programs programs(ptr: u64, len: u64) [Fault]
                "Writes names and sizes of the programs as text; whole lines that fit; returns the bytes written.";
            92 Trace trace(first: u64, ptr: u64, len: u64) [Fault]
                "Stores the switches from number first on that are remembered, as Switch records; whole records that fit; returns how many.";
            93 Fail fail(nth: u64) [PermissionDenied]
                "Lets the nth page allocation from now on behalf of the calling task fail, once; 0 for none. Returns what was left of its last count. With fail=calls on the kernel command line only.";
        }
    };
}

macro_rules! sysno {
    ($($number:literal $variant:ident $name:ident($($arg:ident: $type:ty),*) [$($error:ident),*]
        $doc:literal;)*) => {
        /// A system-call number that the kernel knows.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u64)]
        pub enum Sysno {
            $(
                #[doc = concat!("`", stringify!($name), "(", stringify!($($arg: $type),*), ")`: ", $doc)]
                $variant = $number,
            )*
        }

        impl Sysno {
            /// Every call, in order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name programs call it by.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($name)),* }
            }

            /// What it does, in a sentence or two.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc),* }
            }

            /// Its arguments, in order: name and type.
            #[must_use]
            pub const fn arguments(self) -> &'static [(&'static str, &'static str)] {
                match self { $(Self::$variant => &[$((stringify!($arg), stringify!($type))),*]),* }
            }

            /// What it may fail with, besides [`Errno::Error`] where memory that an argument
            /// points to was promised and cannot be had.
            #[must_use]
            pub const fn errors(self) -> &'static [Errno] {
                match self { $(Self::$variant => &[$(Errno::$error),*]),* }
            }

            /// The call a full 64-bit `rax` names, if there is one.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)* _ => None }
            }
        }
    };
}
for_each_call!(sysno);

impl Sysno {
    /// The value of `rax` that asks for this call.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Sysno;

    #[test]
    fn numbers_ascend_and_round_trip() {
        assert!(Sysno::ALL.windows(2).all(|pair| pair[0].number() < pair[1].number()));
        for sysno in Sysno::ALL {
            assert_eq!(Sysno::from_number(sysno.number()), Some(*sysno));
        }
    }

    #[test]
    fn numbers_outside_the_table_are_unknown() {
        for number in [21, 89, 94, u64::MAX, (1 << 32) + 12, 1 << 63] {
            assert_eq!(Sysno::from_number(number), None);
        }
    }
}
