//! Makes a call, compares, counts, and prints what is wrong.

use core::fmt;

use ulib::abi::{Errno, Sysno};
use ulib::{println, sys};

/// What a call must answer.
#[derive(Clone, Copy)]
pub(crate) enum Expect {
    /// Just this, and nothing else.
    Value(i64),
    /// Anything that is not an error.
    Success,
    /// An error that the contract does not name.
    AnyError,
}

impl From<Errno> for Expect {
    fn from(errno: Errno) -> Self {
        Self::Value(errno.code())
    }
}

impl Expect {
    fn admits(self, result: i64) -> bool {
        match self {
            Self::Value(value) => result == value,
            Self::Success => result >= 0,
            Self::AnyError => Errno::from_code(result).is_some(),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(out, "{value}"),
            Self::Success => write!(out, "a success"),
            Self::AnyError => write!(out, "an error"),
        }
    }
}

/// The counts so far.
pub(crate) struct Report {
    pub(crate) checks: u32,
    pub(crate) wrong: u32,
    pub(crate) skipped: u32,
}

impl Report {
    pub(crate) const fn new() -> Self {
        Self { checks: 0, wrong: 0, skipped: 0 }
    }

    /// Makes a call of the table.
    pub(crate) fn call(&mut self, call: Sysno, what: &str, args: [u64; 6], expect: Expect) {
        self.number(call.number(), what, args, expect);
    }

    /// Makes the call of a number.
    pub(crate) fn number(&mut self, number: u64, what: &str, args: [u64; 6], expect: Expect) {
        let [a, b, c, d, e, f] = args;
        // SAFETY: pointers that the kernel would write through are either wrong on purpose, so
        // that it must not, or lead into the scratch memory or to unused stack.
        let result = unsafe { sys::syscall(number, a, b, c, d, e, f) };
        let known = Sysno::from_number(number);
        let may_be_missing = known.is_some_and(|call| call.number() >= Sysno::Spawn.number());
        if may_be_missing && result == Errno::NotImplemented.code() {
            self.skipped += 1;
            return;
        }
        self.checks += 1;
        if !expect.admits(result) {
            let name = known.map_or("no call", Sysno::name);
            println!("badcalls: {name} {number:#x} {args:x?} ({what}): {result}, must be {expect}");
            self.wrong += 1;
        }
    }
}
