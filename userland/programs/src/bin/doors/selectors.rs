//! Every selector there is: the descriptor tables hold nothing for programs but their own two
//! segments.

use core::arch::asm;

use programs::cpu;

use crate::Tally;

pub(crate) fn try_all(tally: &mut Tally) {
    // `sysret` fixes the distance: code comes after data (SDM volume 3, section 5.8.8).
    let data = cpu::data_selector() / 8;
    for selector in 0..=u16::MAX {
        let own = [data, data + 1].contains(&u64::from(selector / 8)) && selector & TABLE == 0;
        for (what, visible) in [("lar", lar(selector)), ("lsl", lsl(selector))] {
            tally.count(visible == own, what, selector.into(), visible.into());
        }
    }
}

/// Set in a selector of the local table.
const TABLE: u16 = 1 << 2;

/// Whether the selector names a descriptor that this program may ask about.
fn lar(selector: u16) -> bool {
    let found: u8;
    // SAFETY: the instruction changes a register and the flags.
    unsafe {
        asm!("lar {0:e}, {1:e}", "setz {2}", out(reg) _, in(reg) u32::from(selector),
             out(reg_byte) found, options(nomem, nostack));
    }
    found != 0
}

/// The same, of the instruction that asks for the limit.
fn lsl(selector: u16) -> bool {
    let found: u8;
    // SAFETY: the instruction changes a register and the flags.
    unsafe {
        asm!("lsl {0:e}, {1:e}", "setz {2}", out(reg) _, in(reg) u32::from(selector),
             out(reg_byte) found, options(nomem, nostack));
    }
    found != 0
}
