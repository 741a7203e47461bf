//! The part of a switch that most do without: FPU state where there is no XSAVE, selectors, the FS base.

use super::super::{fpu, segments};
use super::TaskContext;

/// What a switch moves when it is not just the FPU by XSAVE; the selectors of `prev` are stored.
///
/// # Safety
/// As [`switch`](super::switch).
pub(super) unsafe extern "C" fn exchange_special(prev: *mut TaskContext, next: *const TaskContext) {
    // SAFETY: valid, and nobody else touches it (caller).
    let outgoing = unsafe { &mut *prev };
    // SAFETY: as above.
    let incoming = unsafe { &*next };
    // SAFETY: the images belong to the two tasks (caller) and were initialised or saved before.
    unsafe { fpu::exchange(outgoing.image(), incoming.image()) };
    // SAFETY: the selectors of the one are stored (caller), what the other has was loaded before.
    outgoing.fs_base = unsafe { segments::exchange(incoming.selectors, incoming.fs_base) };
    outgoing.note_special();
}
