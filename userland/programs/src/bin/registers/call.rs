//! The ways through the kernel: every call of the table with arguments that harm nobody, and time
//! in which the kernel may come uncalled.

use programs::Random;
use ulib::abi::layout::HELLO_MAGIC;
use ulib::abi::sched::ASK;
use ulib::abi::{Errno, Sysno};
use ulib::process;

use crate::probe::{GENERAL_WORDS, R10, RAX, RDI, RSI};

/// What a round does with its registers full.
pub(crate) struct Call {
    pub(crate) number: u64,
    /// Registers that must not hold just anything, and what they hold.
    pub(crate) fixed: &'static [(usize, u64)],
    /// What it returns, if that is known.
    pub(crate) result: Option<i64>,
}

impl Call {
    /// Seven rounds of eight yield; the eighth takes the calls in turn.
    pub(crate) fn of_round(round: u64) -> Self {
        if round % 8 != 7 {
            return Self::of(Sysno::Yield);
        }
        let turn = round / 8 % (Sysno::ALL.len() as u64 + 1);
        let call = usize::try_from(turn).ok().and_then(|turn| Sysno::ALL.get(turn));
        match call {
            // It would not come back.
            Some(Sysno::Exit) => Self::of(Sysno::Getpid),
            Some(&call) => Self::of(call),
            None => Self {
                number: Sysno::Yield.number() | 1 << 32,
                fixed: &[],
                result: Some(Errno::NotImplemented.code()),
            },
        }
    }

    /// Most calls refuse what random registers hold, since [`fill`](Self::fill) makes no pointer,
    /// pid or descriptor of the first argument.
    fn of(call: Sysno) -> Self {
        let refused = |errno: Errno| Some(errno.code());
        let (fixed, result): (&[_], _) = match call {
            Sysno::Yield => (&[], Some(0)),
            Sysno::Getpid => (&[], i64::try_from(process::getpid()).ok()),
            Sysno::Hello => (&[(RDI, HELLO_MAGIC)], None),
            Sysno::Sleep => (&[(RDI, 1)], Some(0)),
            Sysno::Sched => (&[(RDI, ASK)], None),
            Sysno::Log => (&[(RSI, 16)], refused(Errno::Fault)),
            Sysno::Spawn => (&[(RSI, 4), (R10, 0)], refused(Errno::Fault)),
            Sysno::Read | Sysno::Write => (&[], refused(Errno::BadFd)),
            Sysno::TaskWait => (&[(RSI, 0)], refused(Errno::NotFound)),
            _ => (&[], None),
        };
        Self { number: call.number(), fixed, result }
    }

    /// Random words for all general registers, as the call can have them.
    pub(crate) fn fill(&self, random: &mut Random) -> [u64; GENERAL_WORDS] {
        let mut general = [0; GENERAL_WORDS].map(|_: u64| random.next());
        general[RAX] = self.number;
        // No file descriptor, pid or address of a program has this bit.
        general[RDI] |= 1 << 63;
        for &(register, value) in self.fixed {
            general[register] = value;
        }
        general
    }
}
