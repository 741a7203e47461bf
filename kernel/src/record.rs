//! The record of a run, for `scripts/trace.sh`: lines on the debug console, if there is one.
//!
//! ```text
//! name PID NAME                            when a process is born
//! clock HZ                                 from here on when the machine is switched off, or panics
//! lost SWITCHES EFFECTS                    how many there were that the rings have no longer
//! switch NUMBER TIME CPU FROM TO WHY RIP   RIP in hexadecimal
//! effect NUMBER TIME CPU BY ON DEED
//! end TIME
//! exit CODE                                the code that `orbital_arch::qemu::exit` leaves with
//! ```
//! Times are ticks of the clock, WHY and DEED words. Without the last line it is not complete.

use core::fmt::{self, Write};

use orbital_arch::clock::rdtsc;
use orbital_arch::qemu::DebugConsole;
use orbital_core::process::Pid;
use orbital_core::trace::{Effect, Event, Ring};

use crate::sched::{TABLE, TRACE};
use crate::time;

/// A process has been born.
pub(crate) fn born(pid: Pid, name: &str) {
    if let Some(mut console) = DebugConsole::find() {
        // The console takes everything.
        let _ = writeln!(console, "name {pid} {name}");
    }
}

/// Writes what the rings have.
///
/// # Safety
/// The kernel ends here: whoever uses the process table or the ring of switches does not go on.
pub(crate) unsafe fn finish() {
    if let Some(mut console) = DebugConsole::find() {
        // SAFETY: as the caller promises.
        let switches = unsafe { TRACE.steal() };
        // SAFETY: as the caller promises.
        let table = unsafe { TABLE.steal() };
        let _ = write(&mut console, switches, table.effects());
    }
}

fn write(out: &mut impl Write, switches: &Ring, effects: &Ring<Effect>) -> fmt::Result {
    let lost = (oldest(switches), oldest(effects));
    write!(out, "clock {}\nlost {} {}\n", time::ticks_per_second(), lost.0, lost.1)?;
    for (number, Event { time, rip, from, to, why, cpu }) in switches.since(0) {
        let why = why.word();
        writeln!(out, "switch {number} {time} {cpu} {from} {to} {why} {rip:x}")?;
    }
    for (number, Effect { time, by, on, deed, cpu }) in effects.since(0) {
        let deed = deed.word();
        writeln!(out, "effect {number} {time} {cpu} {by} {on} {deed}")?;
    }
    writeln!(out, "end {}", rdtsc())
}

/// The number of the oldest event that is still there: so many are not.
fn oldest<E: Copy + Default>(ring: &Ring<E>) -> u64 {
    ring.since(0).next().map_or(0, |(number, _)| number)
}
