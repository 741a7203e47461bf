//! What a debugger reads and where it stops: the offset table and the hooks.
//!
//! [`ORBITAL_DEBUG_INFO`] names every address and offset that gdb commands and `orbital-gdb` need,
//! so that neither depends on a compiler's type information. It is empty until boot has filled it.
//! The hooks are empty functions that are called when a process is born or has ended, and at the
//! switches that `ORBITAL_DEBUG_BREAK` selects; a debugger sets breakpoints on them.

use core::cell::UnsafeCell;
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering};

use orbital_core::process::Pid;
use orbital_core::sched::Slot;

use crate::attention::ATTENTION;

/// One named number.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Entry {
    /// The name, padded with NUL.
    name: [u8; 32],
    /// An address, an offset, a size or a count, as the name says.
    value: u64,
}

/// The offset table: a magic, a version, and entries.
#[repr(C)]
pub(crate) struct DebugInfo {
    magic: [u8; 8],
    version: u32,
    count: u32,
    entries: [Entry; CAPACITY],
}

const CAPACITY: usize = 160;

/// The table, written once at boot.
#[repr(transparent)]
pub(crate) struct Shared(UnsafeCell<DebugInfo>);

// SAFETY: boot fills it before the first process; only debuggers read it.
unsafe impl Sync for Shared {}

/// What a debugger looks for by this name. Its magic is `ORBITAL\0` once it is filled.
#[unsafe(no_mangle)]
pub(crate) static ORBITAL_DEBUG_INFO: Shared = Shared(UnsafeCell::new(DebugInfo {
    magic: [0; 8],
    version: 1,
    count: 0,
    entries: [Entry { name: [0; 32], value: 0 }; CAPACITY],
}));

/// Enters a name and its value.
///
/// # Panics
/// If the table is full, or the name too long.
pub(crate) fn publish(name: &str, value: u64) {
    enter(&[name], value);
}

/// Enters the words for the values 0, 1, .. of something: `prefix.word`.
///
/// # Panics
/// As [`publish`].
pub(crate) fn publish_words(prefix: &str, words: &[&str]) {
    for (value, word) in words.iter().enumerate() {
        enter(&[prefix, ".", word], value as u64);
    }
}

/// Says that the table is complete.
pub(crate) fn publish_end() {
    table().magic = *b"ORBITAL\0";
}

fn enter(name: &[&str], value: u64) {
    let info = table();
    let entry = &mut info.entries[info.count as usize];
    let mut at = 0;
    for part in name {
        entry.name[at..at + part.len()].copy_from_slice(part.as_bytes());
        at += part.len();
    }
    entry.value = value;
    info.count += 1;
}

fn table() -> &'static mut DebugInfo {
    // SAFETY: boot calls the functions above one after the other, each of which lets go of the
    // table before it returns; nobody else in the kernel uses it.
    unsafe { &mut *ORBITAL_DEBUG_INFO.0.get() }
}

/// Which switches stop at [`orbital_debug_switch`]: a debugger writes here.
#[repr(C)]
pub(crate) struct BreakOn {
    /// Only switches away from this pid; [`BreakOn::ANY`]: from any.
    from: AtomicU64,
    /// Only switches to this pid; [`BreakOn::ANY`]: to any.
    to: AtomicU64,
}

impl BreakOn {
    const ANY: u64 = u64::MAX;

    /// Where a debugger writes, by name.
    pub(crate) fn layout(&self) -> [(&'static str, u64); 4] {
        [
            ("break.enabled", (&raw const ATTENTION.switches).addr() as u64),
            ("break.from", (&raw const self.from).addr() as u64),
            ("break.to", (&raw const self.to).addr() as u64),
            ("break.any", Self::ANY),
        ]
    }
}

/// The filter; `ATTENTION` says whether it is used.
#[unsafe(no_mangle)]
pub(crate) static ORBITAL_DEBUG_BREAK: BreakOn =
    BreakOn { from: AtomicU64::new(BreakOn::ANY), to: AtomicU64::new(BreakOn::ANY) };

/// Called right before every switch.
#[inline]
pub(crate) fn switching(from: u64, to: u64) {
    if ATTENTION.switches.load(Ordering::Relaxed) {
        stop_if_chosen(from, to);
    }
}

#[cold]
fn stop_if_chosen(from: u64, to: u64) {
    let chosen = |filter: &AtomicU64, pid| {
        let wanted = filter.load(Ordering::Relaxed);
        wanted == BreakOn::ANY || wanted == pid
    };
    if chosen(&ORBITAL_DEBUG_BREAK.from, from) && chosen(&ORBITAL_DEBUG_BREAK.to, to) {
        orbital_debug_switch(from, to);
    }
}

/// A process has been born, in that slot of the table.
pub(crate) fn spawned(pid: Pid, slot: Slot) {
    orbital_debug_spawned(pid.0, slot.index() as u64);
}

/// A process has ended.
pub(crate) fn exited(pid: Pid, code: i64) {
    orbital_debug_exited(pid.0, code);
}

// Each hook does something of its own: the compiler gives functions that do the same one address,
// and a breakpoint on one would stop at all.

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn orbital_debug_spawned(pid: u64, slot: u64) {
    black_box(("spawned", pid, slot));
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn orbital_debug_exited(pid: u64, code: i64) {
    black_box(("exited", pid, code));
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn orbital_debug_switch(from: u64, to: u64) {
    black_box(("switch", from, to));
}
