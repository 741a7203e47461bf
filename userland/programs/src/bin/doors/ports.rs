//! Every instruction that reaches a port, at ports with something behind them.

use core::arch::asm;

use ulib::task_entry;

use crate::{GENERAL_PROTECTION, Tally, ending_of};

/// Interrupt controllers, timer, keyboard, clock, POST code, fast reset, debug exit, PCI, serial
/// port, debug console, panic device, firmware, and both ends.
const PORTS: [u16; 19] = [
    0, 0x20, 0x21, 0x40, 0x43, 0x60, 0x64, 0x70, 0x80, 0x92, 0xa0, 0xf4, 0x3f8, 0x402, 0x505,
    0x510, 0xcf8, 0xcfc, 0xffff,
];

/// The eight instructions.
const WAYS: u64 = 8;

pub(crate) fn try_all(tally: &mut Tally) {
    for port in PORTS {
        for way in 0..WAYS {
            let both = u64::from(port) * WAYS + way;
            let got = ending_of(task_entry!(reach), both);
            tally.count(got == GENERAL_PROTECTION, "port * 8 + way", both, got);
        }
    }
}

fn reach(both: u64) -> i64 {
    let port = u16::try_from(both / WAYS).unwrap_or(0);
    let mut word = [0_u8; 4];
    let memory = word.as_mut_ptr();
    macro_rules! one {
        ($instruction:literal) => {
            // SAFETY: the instruction faults; if not, it changes eax and the four bytes alone.
            unsafe {
                asm!($instruction, in("dx") port, inout("eax") 0 => _,
                     inout("rsi") memory => _, inout("rdi") memory => _)
            }
        };
    }
    match both % WAYS {
        0 => one!("in al, dx"),
        1 => one!("in ax, dx"),
        2 => one!("in eax, dx"),
        3 => one!("out dx, al"),
        4 => one!("out dx, ax"),
        5 => one!("out dx, eax"),
        6 => one!("insb"),
        _ => one!("outsb"),
    }
    0
}
